// Which trees the legs of a job run in: a function of base, patch and what the
// base's own configuration says, so that the provider, a second provider and a
// reader of the bundle compute the same ids.
//
// base     base, and of the patch its test files
// patched  base and patch
// guard    as patched, but every guarded path is as it was on the base. A renamed
//          file comes back under its old name; what has its new name stays as
//          source, and goes when it would count as a test or as configuration.

import { createHash } from "node:crypto";
import type { SandboxRunSpec } from "@openagents/contracts";
import {
  classifyPatch,
  isCheckConfigPath,
  isTestPath,
  CheckConfigError,
  patchFiles,
  type CheckConfig,
  type PatchClassification,
  type PatchFile,
} from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import { CONFIG_PATH, readBaseConfig } from "../check/index.ts";
import { listBaseFiles, patchedTree, restoredTree, type Base } from "../git/index.ts";

export type LegPlan = {
  readonly files: readonly PatchFile[];
  readonly classification: PatchClassification;
  readonly baseTree: string;
  readonly patchedTree: string;
  readonly guard: Guard;
};

/** Whether a guard leg is run, and in which tree; if not, why it would show nothing. */
export type Guard =
  | { readonly kind: "needed"; readonly tree: string }
  | { readonly kind: "same_tree" }
  | { readonly kind: "nothing_to_guard" };

/**
 * Compute the trees from the base and the patch alone, and hold the job's own
 * lists against them. Throws `config_mismatch`, `config_invalid`,
 * `classification_differs`, `patch_does_not_apply`, and `PatchError`.
 */
export async function planLegs(
  base: Base,
  spec: Pick<SandboxRunSpec, "patchTestPaths" | "guardPaths" | "checkPaths" | "configSha256">,
  patch: Buffer,
  signal?: AbortSignal,
): Promise<LegPlan> {
  const config = await readConfig(base, spec.configSha256, signal);
  const files = patchFiles(patch.toString("utf8"));
  await mustBeInBase(base, spec.checkPaths, signal);
  const classification = classifyPatch(files, config, spec.checkPaths);
  const { testPaths, guardPaths } = classification;
  mustBeSame("patch_test_paths", spec.patchTestPaths, testPaths);
  mustBeSame("guard_paths", spec.guardPaths, guardPaths);
  const patched = await patchedTree(base, { patch }, signal);
  return {
    files,
    classification,
    baseTree: await patchedTree(base, { patch, onlyPaths: testPaths }, signal),
    patchedTree: patched,
    guard: await planGuard(base, patched, files, guardPaths, config, signal),
  };
}

async function planGuard(
  base: Base,
  patched: string,
  files: readonly PatchFile[],
  guardPaths: readonly string[],
  config: CheckConfig | undefined,
  signal: AbortSignal | undefined,
): Promise<Guard> {
  if (guardPaths.length === 0) return { kind: "nothing_to_guard" };
  const guarded = new Set(guardPaths);
  const renamed = files.filter(({ oldPath }) => oldPath !== undefined && guarded.has(oldPath));
  const remove = renamed
    .map(({ path }) => path)
    .filter((path) => isTestPath(path, config) || isCheckConfigPath(path, config));
  const tree = await restoredTree(base, patched, { restore: guardPaths, remove }, signal);
  return tree === patched ? { kind: "same_tree" } : { kind: "needed", tree };
}

/** What the base says about its own paths. The job names its hash, because a verifier without git reads it by that. */
async function readConfig(
  base: Base,
  named: string | undefined,
  signal: AbortSignal | undefined,
): Promise<CheckConfig | undefined> {
  const found = await readBaseConfig(base, signal).catch((cause: unknown) => {
    if (!(cause instanceof CheckConfigError)) throw cause;
    // The words name the file and its member.
    throw new AutopilotError("config_invalid", `The base's ${cause.message}`, { cause });
  });
  const actual = found === undefined ? undefined : createHash("sha256").update(found.bytes).digest("hex");
  if (actual !== named) {
    throw new AutopilotError(
      "config_mismatch",
      `The base's ${CONFIG_PATH} has the hash ${actual ?? "of no file"}, and the job names ${named ?? "none"}.`,
    );
  }
  return found?.config;
}

/** What is not there is started by nobody, and would make a new file of that name configuration. */
async function mustBeInBase(
  base: Base,
  checkPaths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (checkPaths.length === 0) return;
  const files = await listBaseFiles(base, signal);
  const absent = checkPaths.find((path) => !files.has(path));
  if (absent === undefined) return;
  throw new AutopilotError(
    "classification_differs",
    `The job's check_paths name ${absent}, which is no file of the base.`,
  );
}

function mustBeSame(name: string, named: readonly string[], actual: readonly string[]): void {
  if (named.length === actual.length && named.every((path, index) => path === actual[index])) return;
  const show = (paths: readonly string[]) => (paths.length === 0 ? "none" : paths.slice(0, 5).join(", "));
  throw new AutopilotError(
    "classification_differs",
    `The job's ${name} are ${show(named)}; the patch makes them ${show(actual)}.`,
  );
}
