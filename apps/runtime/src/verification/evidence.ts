// What the verifier reads for itself before it decides: the patch, the base's
// rules on paths, and every output, report and index that a result names, hashed again.

import type { RepoIndexResult, SandboxRunResult, SandboxRunSpec } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import {
  CHECK_CONFIG_BYTES_MAX,
  INDEX_BYTES_MAX,
  REPORT_BYTES_MAX,
  parseCheckConfig,
  type CheckConfig,
} from "@openagents/proof";
import { listJobOutputs, readBytes, readPatch, readText, type ArtifactReader } from "../artifacts/index.ts";
import { outputsOf, type Job, type JobResult } from "../jobs/index.ts";
import type { IndexEvidence } from "./decide-repo-index.ts";
import type { Evidence, OutputState } from "./decide-verification.ts";

export type EvidenceDeps = { readonly db: Database; readonly artifacts: ArtifactReader };

/**
 * Takes as long as the store takes, so it happens before the transaction: a
 * reported result and stored bytes never change again.
 */
export async function gatherEvidence(
  deps: EvidenceDeps,
  job: Job,
  spec: SandboxRunSpec,
  result: SandboxRunResult,
): Promise<Evidence> {
  const { artifacts } = deps;
  const outputs = await gatherOutputs(deps, job, result);
  const reports = new Map<string, Buffer>();
  for (const sha256 of reportsOf(result)) {
    const bytes =
      outputs.get(sha256) === "intact" ? await readBytes(artifacts, sha256, REPORT_BYTES_MAX) : undefined;
    if (bytes !== undefined) reports.set(sha256, bytes);
  }
  return {
    patch: await readPatch(artifacts, spec.patchSha256),
    config: await readConfig(artifacts, spec.configSha256),
    outputs,
    reports,
  };
}

/** The same of an index, which is its job's one output. */
export async function gatherIndex(
  deps: EvidenceDeps,
  job: Job,
  result: RepoIndexResult,
): Promise<IndexEvidence> {
  const { indexSha256 } = result;
  const outputs = await gatherOutputs(deps, job, result);
  const isIntact = outputs.get(indexSha256) === "intact";
  const index = isIntact ? await readBytes(deps.artifacts, indexSha256, INDEX_BYTES_MAX) : undefined;
  return { outputs, index };
}

/** What became of each output. One that the buyer was never granted counts as missing. */
async function gatherOutputs(
  { db, artifacts }: EvidenceDeps,
  job: Job,
  result: JobResult,
): Promise<Map<string, OutputState>> {
  const named = outputsOf(result);
  const granted = await artifacts.listGranted(job.org, named);
  const handedIn = await listJobOutputs(db, job.jobId, named);
  const outputs = new Map<string, OutputState>();
  for (const sha256 of named) {
    const isWhole = granted.has(sha256) && (await artifacts.isIntact(sha256));
    if (handedIn.has(sha256)) outputs.set(sha256, isWhole ? "intact" : "lost");
    else outputs.set(sha256, isWhole ? "foreign" : "missing");
  }
  return outputs;
}

function reportsOf({ legs }: SandboxRunResult): Set<string> {
  return new Set(legs.flatMap((leg) => (leg.reportSha256 === undefined ? [] : [leg.reportSha256])));
}

/** It was parsed before the job was quoted, so it parses. */
async function readConfig(
  artifacts: ArtifactReader,
  sha256: string | undefined,
): Promise<CheckConfig | undefined> {
  if (sha256 === undefined) return undefined;
  const text = await readText(artifacts, sha256, CHECK_CONFIG_BYTES_MAX);
  if (text === undefined) throw new Error(`the configuration ${sha256} of a quoted job is gone`);
  return parseCheckConfig(text);
}
