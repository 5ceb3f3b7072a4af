export { streamRoutes, type StreamRoutesDeps } from "./routes.ts";
export { startStreamSweep, type StreamSweepDeps } from "./sweeps.ts";
