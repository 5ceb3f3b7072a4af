export { autopilotRoutes } from "./routes.ts";
