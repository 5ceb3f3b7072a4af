export { fitsCaps } from "./caps.ts";
export {
  NO_RECORD,
  listProviderRecords,
  recordJobEnds,
  recordLatency,
  recordPriceViolation,
  type JobEnd,
  type ProviderRecord,
} from "./record.ts";
export { requireOwnedWorker, workerRoutes, type WorkerRoutesDeps } from "./routes.ts";
export {
  findWorker,
  listFreshProviders,
  listWorkersOwnedBy,
  lockWorker,
  lockWorkersOf,
  markStrikes,
  upsertWorker,
} from "./store.ts";
export { strikeWorker } from "./strike.ts";
export { STALE_AFTER_MS, STRIKES_MAX, isOwnedBy, livenessOf, workerMessage, type Worker } from "./worker.ts";
