export { disableWorker, type DisablementDeps } from "./disable-worker.ts";
