export { STEPS, type Progress, type StepName } from "./progress.ts";
export { DEFAULT_LIMITS, type RunIssueOptions, type RunOutcome, type RunProblem } from "./run.ts";
export { runIssue } from "./run-issue.ts";
