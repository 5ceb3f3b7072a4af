export { commsRoutes, type CommsDeps } from "./routes.ts";
