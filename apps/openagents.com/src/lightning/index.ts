export { lightningRoutes } from "./routes.ts";
