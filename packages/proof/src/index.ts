export {
  CHECK_CONFIG_BYTES_MAX,
  CheckConfigError,
  parseCheckConfig,
  tooLargeConfig,
  type CheckConfig,
} from "./check-config.ts";
export { isCheckConfigPath, isTestPath } from "./check-paths.ts";
export { classifyPatch, type PatchClassification } from "./classify-patch.ts";
export { decideLegs, type ReportedLeg } from "./decide-legs.ts";
export {
  decideVerdict,
  type GuardOutcome,
  type LegOutcome,
  type Verdict,
  type VerdictDecision,
} from "./decide-verdict.ts";
export { entryPointsOf, joinPath, shellCommandsOf, type ShellCommand } from "./entry-points/index.ts";
export { globMatches } from "./glob.ts";
export {
  CODE_CHUNK_ANALYSIS,
  RETRIEVAL_RERANK,
  TEXTS_BYTES_MAX,
  TEXT_BYTES_MAX,
  findAnalysisProblem,
  findQuestionProblem,
  findRankingProblem,
} from "./opinions/index.ts";
export { PatchError, type PatchRefusal } from "./patch-error.ts";
export { patchFiles, type PatchFile } from "./patch-files.ts";
export {
  INDEX_BYTES_MAX,
  REPO_INDEX,
  checkIndex,
  describeContent,
  makeRepoIndex,
  treeIdOf,
  type CheckedIndex,
  type IndexEntry,
  type IndexLimits,
  type IndexViolation,
  type RepoIndex,
} from "./repo-index/index.ts";
export {
  REPORT_BYTES_MAX,
  REPORT_FOLDER,
  REPORT_TOOLS,
  conflictsWithReporter,
  instrument,
  packReport,
  readReport,
  type Instrumentation,
  type TestOutcome,
  type TestReport,
  type TestRunner,
} from "./runners/index.ts";
