export { startStalledJobs } from "./stalled-jobs.ts";
