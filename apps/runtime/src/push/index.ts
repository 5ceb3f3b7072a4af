export { intendPush } from "./intend-push.ts";
export { startPushes } from "./push-worker.ts";
