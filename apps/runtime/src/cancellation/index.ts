export { callOff, lockOpenJob, voidOf, voided, type OpenJob } from "./call-off.ts";
export { cancelRun } from "./cancel-run.ts";
