// Whether a job's inputs are what a provider can be asked to work on. A buyer
// learns it before a price is made; nobody is paid, or not, for a broken order.

import type { ProblemError, SandboxRunSpec } from "@openagents/contracts";
import type { Tx } from "@openagents/postgres";
import {
  CHECK_CONFIG_BYTES_MAX,
  CheckConfigError,
  PatchError,
  TEXTS_BYTES_MAX,
  TEXT_BYTES_MAX,
  classifyPatch,
  findQuestionProblem,
  parseCheckConfig,
  patchFiles,
  tooLargeConfig,
  type CheckConfig,
} from "@openagents/proof";
import { invalidField } from "@openagents/service";
import {
  PATCH_BYTES_MAX,
  QUOTED_MS,
  STAGED_MS,
  keepGrants,
  readPatch,
  readPrefix,
  readText,
  type ArtifactReader,
} from "../artifacts/index.ts";
import {
  inputsOf,
  isOpinionSpec,
  isRepoIndex,
  type JobSpec,
  type OpinionSpec,
  type TreeSpec,
} from "../jobs/index.ts";
import { BASE_PREFIX_BYTES, findBaseProblem } from "./base-bundle.ts";

export type InputsDeps = { readonly artifacts: ArtifactReader; readonly nowMs: () => number };

export type InputsCheck = {
  readonly problem: ProblemError | undefined;
  /** Inputs that might be let go of before they are ordered, unless they are given more time. */
  readonly lapsing: readonly string[];
};

export async function checkInputs(
  deps: InputsDeps,
  org: string,
  spec: JobSpec,
  market: boolean,
): Promise<InputsCheck> {
  const inputs = inputsOf(spec);
  const granted = await deps.artifacts.listGranted(org, inputs);
  // What another one shares goes when that one says so; an order needs its inputs for longer.
  const missing = inputs.find((sha256) => (granted.get(sha256)?.class ?? "shared") === "shared");
  if (missing !== undefined) return { problem: artifactMissing(missing), lapsing: [] };
  const soonMs = deps.nowMs() + QUOTED_MS;
  return {
    problem: isOpinionSpec(spec)
      ? findTextProblem(spec, granted)
      : await findInputProblem(deps, spec, market),
    lapsing: inputs.filter((sha256) => (granted.get(sha256)?.keepUntilMs ?? 0) <= soonMs),
  };
}

/** What was looked at may have been let go of meanwhile; from here on it is kept until it is ordered. */
export async function keepInputs(
  tx: Tx,
  org: string,
  lapsing: readonly string[],
  nowMs: number,
): Promise<void> {
  if (lapsing.length === 0) return;
  const kept = await keepGrants(tx, org, lapsing, nowMs + STAGED_MS);
  const gone = lapsing.find((sha256) => !kept.has(sha256));
  if (gone !== undefined) throw artifactMissing(gone);
}

function artifactMissing(sha256: string): ProblemError {
  return invalidField("spec", "artifact_missing", `Artifact ${sha256} is not stored. Upload it first.`);
}

/** What is wrong with a question or its texts, as 400 `question_invalid`, `text_too_large` or `texts_too_large`. */
function findTextProblem(
  spec: OpinionSpec,
  granted: ReadonlyMap<string, { readonly bytes: number }>,
): ProblemError | undefined {
  const problem = findQuestionProblem(spec);
  if (problem !== undefined) return invalidField("work", "question_invalid", problem);
  const sizes = inputsOf(spec).map((sha256) => granted.get(sha256)?.bytes ?? 0);
  if (sizes.some((bytes) => bytes > TEXT_BYTES_MAX))
    return invalidField("work", "text_too_large", `A text has at most ${TEXT_BYTES_MAX} bytes. Divide it.`);
  if (sizes.reduce((sum, bytes) => sum + bytes, 0) <= TEXTS_BYTES_MAX) return undefined;
  return invalidField(
    "work",
    "texts_too_large",
    `The texts together have at most ${TEXTS_BYTES_MAX} bytes. Ask twice.`,
  );
}

/**
 * What is wrong with a spec's inputs, as 400 `base_not_single_commit` (for the
 * market only), `config_invalid`, `patch_too_large`, `patch_refused`, `patch_empty`, or
 * `patch_test_paths_differ` and `guard_paths_differ` when it names other files
 * than the patch has. Stored bytes never change, so this needs no transaction.
 */
async function findInputProblem(
  deps: Pick<InputsDeps, "artifacts">,
  spec: TreeSpec,
  market: boolean,
): Promise<ProblemError | undefined> {
  if (market) {
    const problem = findBaseProblem(
      await readPrefix(deps.artifacts, spec.baseBundleSha256, BASE_PREFIX_BYTES),
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
  if (isRepoIndex(spec)) return undefined;
  const patch = await readPatch(deps.artifacts, spec.patchSha256);
  if (patch === undefined) {
    return invalidField(
      "spec.patch_sha256",
      "patch_too_large",
      `The patch is larger than ${PATCH_BYTES_MAX} bytes, or its bytes are gone. Upload a smaller one.`,
    );
  }
  try {
    return findPatchProblem(patch, await readConfig(deps.artifacts, spec), spec);
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
async function readConfig(artifacts: ArtifactReader, spec: SandboxRunSpec): Promise<CheckConfig | undefined> {
  if (spec.configSha256 === undefined) return undefined;
  const text = await readText(artifacts, spec.configSha256, CHECK_CONFIG_BYTES_MAX);
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
