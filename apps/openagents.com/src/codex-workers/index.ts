export {
  TURN_INTERRUPT,
  TURN_START,
  WAITS_MS,
  type CallAnswer,
  type TurnEvent,
  type TurnSink,
  type WorkerCall,
} from "./call.ts";
export { findCall, findTurn } from "./call-store.ts";
export type { CodexWorkerDeps } from "./deps.ts";
export { openCall, withdrawCall } from "./open-call.ts";
export { codexWorkerRoutes } from "./routes.ts";
export { stopWorkersOf, stopped } from "./service.ts";
export { findWorker, listWorkers, lockWorker } from "./store.ts";
export { startCallSweep } from "./sweep.ts";
export { isOnline, type CodexWorker } from "./worker.ts";
