export { whisperRoutes } from "./routes.ts";
