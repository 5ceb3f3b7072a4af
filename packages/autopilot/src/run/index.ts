export type { RunProblem, RunRequest } from "./journal.ts";
export { buyIndex, type BoughtIndex, type IndexRequest } from "./buy-index.ts";
export { STEPS, type Progress, type StepName } from "./progress.ts";
export { DEFAULT_LIMITS, type RunDeps, type RunOutcome, type RunState } from "./run.ts";
export { cancelRun, resumeRun, reviewRun, runIssue } from "./run-issue.ts";
export { findBranch, type MadeBranch } from "./session.ts";
