export { shoutRoutes } from "./routes.ts";
