export { intendPush } from "./intend-push.ts";
export { listPushes } from "./list-pushes.ts";
export { startPushes } from "./push-worker.ts";
