export { requireOwnedWorker, workerRoutes, type WorkerRoutesDeps } from "./routes.ts";
export { findWorker, listFreshProviders } from "./store.ts";
export { STALE_AFTER_MS, isOwnedBy, livenessOf, workerMessage, type Worker } from "./worker.ts";
