export { runRoutes, type RunRoutesDeps } from "./routes.ts";
export { extendRun, requireLockedRun, type ExtendedRun } from "./service.ts";
export { isFinished, type EventDraft, type Run } from "./run.ts";
