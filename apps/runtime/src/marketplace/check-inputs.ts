// Whether a job's inputs are what a provider can be asked to work on. A buyer
// learns it before a price is made; nobody is paid, or not, for a broken order.

import type { SandboxRunSpec } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { PatchError, classifyPatch, patchFiles } from "@openagents/proof";
import { PATCH_BYTES_MAX, listGranted, readPatch, type ArtifactDisk } from "../artifacts/index.ts";
import { inputsOf } from "../jobs/index.ts";
import { invalidField } from "../problems.ts";

export type InputsDeps = { readonly db: Database; readonly disk: ArtifactDisk };

/**
 * Throws 400 `artifact_missing`, `patch_too_large`, `patch_refused`, or
 * `patch_test_paths_differ` when the spec names other test files than the patch
 * has. Stored bytes never change, so this needs no transaction.
 */
export async function checkInputs(deps: InputsDeps, org: string, spec: SandboxRunSpec): Promise<void> {
  const inputs = inputsOf(spec);
  const granted = await listGranted(deps.db, org, inputs);
  const missing = inputs.find((sha256) => !granted.has(sha256));
  if (missing !== undefined) {
    throw invalidField("spec", "artifact_missing", `Artifact ${missing} is not stored. Upload it first.`);
  }
  const patch = await readPatch(deps.disk, spec.patchSha256);
  if (patch === undefined) {
    throw invalidField(
      "spec.patch_sha256",
      "patch_too_large",
      `The patch is larger than ${PATCH_BYTES_MAX} bytes, or its bytes are gone. Upload a smaller one.`,
    );
  }
  const testPaths = testPathsOf(patch);
  if (testPaths.join("\0") !== spec.patchTestPaths.join("\0")) {
    throw invalidField(
      "spec.patch_test_paths",
      "patch_test_paths_differ",
      `The patch's test files are: ${testPaths.slice(0, 20).join(", ") || "none"}. Name exactly these, in this order.`,
    );
  }
}

function testPathsOf(patch: string): readonly string[] {
  try {
    return classifyPatch(patchFiles(patch)).testPaths;
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    throw invalidField("spec.patch_sha256", "patch_refused", `The patch cannot be used: ${error.message}`);
  }
}
