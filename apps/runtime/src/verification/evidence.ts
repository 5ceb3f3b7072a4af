// What the verifier reads for itself before it decides: the patch, the base's
// rules on paths, and every output and report that a result names, hashed again.

import type { Database } from "@openagents/postgres";
import { parseCheckConfig, type CheckConfig } from "@openagents/proof";
import {
  listGranted,
  listJobOutputs,
  readBytes,
  readPatch,
  readText,
  type ArtifactDisk,
} from "../artifacts/index.ts";
import { outputsOf, type Job } from "../jobs/index.ts";
import type { Evidence } from "./decide-verification.ts";

export type EvidenceDeps = { readonly db: Database; readonly disk: ArtifactDisk };

/** A larger report is as good as none. */
const REPORT_BYTES_MAX = 32 * 1024 * 1024;
const CONFIG_BYTES_MAX = 64 * 1024;

/**
 * Takes as long as the disk takes, so it happens before the transaction: a
 * reported result and stored bytes never change again. An output that the buyer
 * was never granted counts as missing.
 */
export async function gatherEvidence({ db, disk }: EvidenceDeps, job: Job): Promise<Evidence> {
  const named = job.result === undefined ? [] : outputsOf(job.result);
  const granted = await listGranted(db, job.org, named);
  const handedIn = await listJobOutputs(db, job.jobId, named);
  const outputs = new Map<string, string>();
  for (const sha256 of named) {
    outputs.set(sha256, granted.has(sha256) ? ((await disk.rehash(sha256)) ?? "") : "");
  }
  const reports = new Map<string, Buffer>();
  for (const sha256 of reportsOf(job)) {
    // Only what is still what its hash says.
    if (outputs.get(sha256) !== sha256) continue;
    const bytes = await readBytes(disk, sha256, REPORT_BYTES_MAX);
    if (bytes !== undefined) reports.set(sha256, bytes);
  }
  const { patchSha256 } = job.spec;
  const intact = (await disk.rehash(patchSha256)) === patchSha256;
  return {
    patch: intact ? await readPatch(disk, patchSha256) : undefined,
    config: await readConfig(disk, job.spec.configSha256),
    outputs,
    foreign: named.filter((sha256) => !handedIn.has(sha256)),
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
async function readConfig(disk: ArtifactDisk, sha256: string | undefined): Promise<CheckConfig | undefined> {
  if (sha256 === undefined) return undefined;
  const text = await readText(disk, sha256, CONFIG_BYTES_MAX);
  if (text === undefined) throw new Error(`the configuration ${sha256} of a quoted job is gone`);
  return parseCheckConfig(text);
}
