export { decideStream, type StreamDecision } from "./decide-stream.ts";
export { createStreamAccess, type StreamAccess } from "./stream-access.ts";
export { policyRoutes } from "./routes.ts";
