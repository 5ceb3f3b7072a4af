export { callOff, lockOpenJob, voidOf, type OpenJob } from "./call-off.ts";
export { cancelRun } from "./cancel-run.ts";
