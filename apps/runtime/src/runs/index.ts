export { startExecutorSweep } from "./executor-sweep.ts";
export { runRoutes, type RunRoutesDeps } from "./routes.ts";
export { extendRun, requireLockedRun, type ExtendedRun } from "./service.ts";
export { isFinished, type EventDraft, type Run, type RunEvent } from "./run.ts";
export { findRun, listEvents } from "./store.ts";
export { runMessage } from "./wire.ts";
