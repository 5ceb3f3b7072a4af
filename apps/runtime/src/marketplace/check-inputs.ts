// Whether a job's inputs are what a provider can be asked to work on. A buyer
// learns it before a price is made; nobody is paid, or not, for a broken order.

import type { ProblemError, SandboxRunSpec } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import {
  CHECK_CONFIG_BYTES_MAX,
  CheckConfigError,
  PatchError,
  classifyPatch,
  parseCheckConfig,
  patchFiles,
  tooLargeConfig,
  type CheckConfig,
} from "@openagents/proof";
import {
  PATCH_BYTES_MAX,
  listGranted,
  readPatch,
  readPrefix,
  readText,
  type ArtifactDisk,
} from "../artifacts/index.ts";
import { inputsOf } from "../jobs/index.ts";
import { invalidField } from "../problems.ts";
import { BASE_PREFIX_BYTES, findBaseProblem } from "./base-bundle.ts";

export type InputsDeps = { readonly db: Database; readonly disk: ArtifactDisk };

/**
 * What is wrong with a spec's inputs, as 400 `artifact_missing`,
 * `base_not_single_commit` (for the market only), `config_invalid`, `patch_too_large`, `patch_refused`, `patch_empty`, or
 * `patch_test_paths_differ` and `guard_paths_differ` when it names other files
 * than the patch has. Stored bytes never change, so this needs no transaction.
 */
export async function findInputProblem(
  deps: InputsDeps,
  org: string,
  spec: SandboxRunSpec,
  market: boolean,
): Promise<ProblemError | undefined> {
  const inputs = inputsOf(spec);
  const granted = await listGranted(deps.db, org, inputs);
  const missing = inputs.find((sha256) => !granted.has(sha256));
  if (missing !== undefined) {
    return invalidField("spec", "artifact_missing", `Artifact ${missing} is not stored. Upload it first.`);
  }
  if (market) {
    const problem = findBaseProblem(
      await readPrefix(deps.disk, spec.baseBundleSha256, BASE_PREFIX_BYTES),
      spec,
    );
    if (problem !== undefined) {
      return invalidField(
        "spec.base_bundle_sha256",
        "base_not_single_commit",
        `What goes to the market is a bundle of one commit without history: ${problem}`,
      );
    }
  }
  const patch = await readPatch(deps.disk, spec.patchSha256);
  if (patch === undefined) {
    return invalidField(
      "spec.patch_sha256",
      "patch_too_large",
      `The patch is larger than ${PATCH_BYTES_MAX} bytes, or its bytes are gone. Upload a smaller one.`,
    );
  }
  try {
    return findPatchProblem(patch, await readConfig(deps.disk, spec), spec);
  } catch (error) {
    if (!(error instanceof CheckConfigError)) throw error;
    return invalidField(
      "spec.config_sha256",
      "config_invalid",
      `The base's .openagents/config.json cannot be used: ${error.message}`,
    );
  }
}

/** Throws `CheckConfigError`. */
async function readConfig(disk: ArtifactDisk, spec: SandboxRunSpec): Promise<CheckConfig | undefined> {
  if (spec.configSha256 === undefined) return undefined;
  const text = await readText(disk, spec.configSha256, CHECK_CONFIG_BYTES_MAX);
  if (text === undefined) throw tooLargeConfig();
  return parseCheckConfig(text);
}

function findPatchProblem(
  patch: string,
  config: CheckConfig | undefined,
  spec: SandboxRunSpec,
): ProblemError | undefined {
  try {
    const files = patchFiles(patch);
    if (files.length === 0)
      return invalidField("spec.patch_sha256", "patch_empty", "The patch changes no file.");
    const { testPaths, guardPaths } = classifyPatch(files, config, spec.checkPaths);
    if (testPaths.join("\0") !== spec.patchTestPaths.join("\0")) {
      return invalidField(
        "spec.patch_test_paths",
        "patch_test_paths_differ",
        `The patch's test files are: ${testPaths.slice(0, 20).join(", ") || "none"}. Name exactly these, in this order.`,
      );
    }
    if (guardPaths.join("\0") === spec.guardPaths.join("\0")) return undefined;
    return invalidField(
      "spec.guard_paths",
      "guard_paths_differ",
      `The files that the guard leg restores are: ${guardPaths.slice(0, 20).join(", ") || "none"}. Name exactly these, in this order.`,
    );
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    return invalidField("spec.patch_sha256", "patch_refused", `The patch cannot be used: ${error.message}`);
  }
}
