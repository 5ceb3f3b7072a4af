// What the verifier reads for itself before it decides: the patch, the base's
// rules on paths, and every output and report that a result names, hashed again.

import type { Database } from "@openagents/postgres";
import {
  CHECK_CONFIG_BYTES_MAX,
  REPORT_BYTES_MAX,
  parseCheckConfig,
  type CheckConfig,
} from "@openagents/proof";
import { listJobOutputs, readBytes, readPatch, readText, type ArtifactReader } from "../artifacts/index.ts";
import { outputsOf, type Job } from "../jobs/index.ts";
import type { Evidence, OutputState } from "./decide-verification.ts";

export type EvidenceDeps = { readonly db: Database; readonly artifacts: ArtifactReader };

/**
 * Takes as long as the store takes, so it happens before the transaction: a
 * reported result and stored bytes never change again. An output that the buyer
 * was never granted counts as missing.
 */
export async function gatherEvidence({ db, artifacts }: EvidenceDeps, job: Job): Promise<Evidence> {
  const named = job.result === undefined ? [] : outputsOf(job.result);
  const granted = await artifacts.listGranted(job.org, named);
  const handedIn = await listJobOutputs(db, job.jobId, named);
  const outputs = new Map<string, OutputState>();
  for (const sha256 of named) {
    const isWhole = granted.has(sha256) && (await artifacts.isIntact(sha256));
    if (handedIn.has(sha256)) outputs.set(sha256, isWhole ? "intact" : "lost");
    else outputs.set(sha256, isWhole ? "foreign" : "missing");
  }
  const reports = new Map<string, Buffer>();
  for (const sha256 of reportsOf(job)) {
    const bytes =
      outputs.get(sha256) === "intact" ? await readBytes(artifacts, sha256, REPORT_BYTES_MAX) : undefined;
    if (bytes !== undefined) reports.set(sha256, bytes);
  }
  const { patchSha256 } = job.spec;
  return {
    patch: await readPatch(artifacts, patchSha256),
    config: await readConfig(artifacts, job.spec.configSha256),
    outputs,
    reports,
  };
}

function reportsOf(job: Job): Set<string> {
  const hashes = (job.result?.legs ?? []).flatMap((leg) =>
    leg.reportSha256 === undefined ? [] : [leg.reportSha256],
  );
  return new Set(hashes);
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
