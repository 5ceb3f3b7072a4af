// A job's work by content: the hash that names it and the bytes it needs.

import {
  decode,
  encode,
  sandboxRunResultDesc,
  sandboxRunSpecDesc,
  type SandboxRunResult,
  type SandboxRunSpec,
} from "@openagents/contracts";
import { canonicalize, parseStrict, sha256Hex, type JsonObject } from "@openagents/receipts";
import type { Job } from "./job.ts";

/** The spec's canonical JSON: what is stored and hashed. */
export function specText(spec: SandboxRunSpec): string {
  return canonicalize(specFacts(spec));
}

export function specFacts(spec: SandboxRunSpec): JsonObject {
  return encode(sandboxRunSpecDesc, spec) as JsonObject;
}

export function specFromText(text: string): SandboxRunSpec {
  return decode(sandboxRunSpecDesc, parseStrict(text)) as SandboxRunSpec;
}

/** Equal work has an equal hash, whoever orders it and however often. */
export function jobHashOf(spec: SandboxRunSpec): string {
  return sha256Hex(specText(spec));
}

/** The artifacts that a provider needs to do the work. */
export function inputsOf(spec: SandboxRunSpec): readonly string[] {
  const layers = spec.layers.map((layer) => layer.sha256);
  const config = spec.configSha256 === undefined ? [] : [spec.configSha256];
  return [...new Set([spec.baseBundleSha256, spec.patchSha256, ...layers, ...config])];
}

export function resultFacts(result: SandboxRunResult): JsonObject {
  return encode(sandboxRunResultDesc, result) as JsonObject;
}

export function resultFromText(text: string): SandboxRunResult {
  return decode(sandboxRunResultDesc, parseStrict(text)) as SandboxRunResult;
}

/** The outputs and reports that a result names. */
export function outputsOf(result: SandboxRunResult): readonly string[] {
  const hashes = result.legs.flatMap((leg) => [
    ...leg.commands.flatMap((command) => [command.stdoutSha256, command.stderrSha256]),
    ...(leg.reportSha256 === undefined ? [] : [leg.reportSha256]),
  ]);
  return [...new Set(hashes)];
}

/** What a cancellation says of its job, in the receipt and in the run's log. */
export function canceledFacts(job: Job, reason: string): JsonObject {
  return {
    run_id: job.runId,
    job_id: job.jobId,
    job_hash: job.jobHash,
    provider_worker_id: job.providerWorkerId,
    dispatch_receipt_id: job.dispatchReceiptId,
    purpose: job.purpose,
    reason,
  };
}
