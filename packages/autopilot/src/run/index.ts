export { STEPS, type Progress, type StepName } from "./progress.ts";
export {
  DEFAULT_LIMITS,
  runIssue,
  type RunIssueOptions,
  type RunOutcome,
  type RunProblem,
} from "./run-issue.ts";
