export { syncTokenRoutes } from "./routes.ts";
