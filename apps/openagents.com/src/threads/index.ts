export { threadRoutes } from "./routes.ts";
export { ownsWorker } from "./service.ts";
export { findThread } from "./store.ts";
export { turnSink } from "./turns.ts";
