export { asUsage } from "./issue.ts";
export { runDeps } from "./deps.ts";
export { endRun, type Word } from "./end-run.ts";
export { endLines, isVerified, runExitCode, runJson, runLines, untilWhen } from "./report.ts";
export { parseAttempts, parseBudget, requestOf, type RunArguments } from "./request.ts";
export { showRun } from "./show-run.ts";
export {
  executorWords,
  moneyWords,
  nextCommands,
  statusWords,
  verdictWords,
  type Standing,
} from "./describe-run.ts";
export { followRunEvents } from "./follow-run.ts";
