export { intentRoutes } from "./routes.ts";
