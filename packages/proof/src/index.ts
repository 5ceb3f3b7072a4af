export { isCheckConfigPath, isTestPath } from "./check-paths.ts";
export { classifyPatch, type PatchClassification } from "./classify-patch.ts";
export { decideVerdict, type LegOutcome, type Verdict, type VerdictDecision } from "./decide-verdict.ts";
export { PatchError, type PatchRefusal } from "./patch-error.ts";
export { patchFiles, type PatchFile } from "./patch-files.ts";
