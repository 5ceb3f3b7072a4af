export { createStreamAccess, type StreamAccess } from "./stream-access.ts";
export { policyRoutes } from "./routes.ts";
