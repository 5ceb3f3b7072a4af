// A job's work by content: the hash that names it and the bytes it needs. What
// kind of work it is shows in what it names: a sandboxed run has a patch.

import {
  decode,
  encode,
  repoIndexResultDesc,
  repoIndexSpecDesc,
  sandboxRunResultDesc,
  sandboxRunSpecDesc,
  type RepoIndexResult,
  type RepoIndexSpec,
  type SandboxRunResult,
  type SandboxRunSpec,
} from "@openagents/contracts";
import { REPO_INDEX } from "@openagents/proof";
import { canonicalize, parseStrict, sha256Hex, type JsonObject } from "@openagents/receipts";

export type JobSpec = SandboxRunSpec | RepoIndexSpec;
export type JobResult = SandboxRunResult | RepoIndexResult;

export const SANDBOX_RUN = "oa.sandbox_run.v1";

export function isRepoIndex(spec: JobSpec): spec is RepoIndexSpec {
  return !("patchSha256" in spec);
}

export function isIndexResult(result: JobResult): result is RepoIndexResult {
  return "indexSha256" in result;
}

/** The job type that the work is of. */
export function capabilityOf(spec: JobSpec): string {
  return isRepoIndex(spec) ? REPO_INDEX : SANDBOX_RUN;
}

/** The spec's canonical JSON: what is stored and hashed. */
export function specText(spec: JobSpec): string {
  return canonicalize(specFacts(spec));
}

export function specFacts(spec: JobSpec): JsonObject {
  return (
    isRepoIndex(spec) ? encode(repoIndexSpecDesc, spec) : encode(sandboxRunSpecDesc, spec)
  ) as JsonObject;
}

export function specFromText(text: string): JobSpec {
  const facts = parseStrict(text) as JsonObject;
  return "patch_sha256" in facts
    ? (decode(sandboxRunSpecDesc, facts) as SandboxRunSpec)
    : (decode(repoIndexSpecDesc, facts) as RepoIndexSpec);
}

/** Equal work has an equal hash, whoever orders it and however often. */
export function jobHashOf(spec: JobSpec): string {
  return sha256Hex(specText(spec));
}

/** The artifacts that a provider needs to do the work. */
export function inputsOf(spec: JobSpec): readonly string[] {
  if (isRepoIndex(spec)) return [spec.baseBundleSha256];
  const layers = spec.layers.map((layer) => layer.sha256);
  const config = spec.configSha256 === undefined ? [] : [spec.configSha256];
  return [...new Set([spec.baseBundleSha256, spec.patchSha256, ...layers, ...config])];
}

export function resultFacts(result: JobResult): JsonObject {
  return (
    isIndexResult(result) ? encode(repoIndexResultDesc, result) : encode(sandboxRunResultDesc, result)
  ) as JsonObject;
}

export function resultFromText(text: string): JobResult {
  const facts = parseStrict(text) as JsonObject;
  return "index_sha256" in facts
    ? (decode(repoIndexResultDesc, facts) as RepoIndexResult)
    : (decode(sandboxRunResultDesc, facts) as SandboxRunResult);
}

/** The outputs and reports that a result names. */
export function outputsOf(result: JobResult): readonly string[] {
  if (isIndexResult(result)) return [result.indexSha256];
  const hashes = result.legs.flatMap((leg) => [
    ...leg.commands.flatMap((command) => [command.stdoutSha256, command.stderrSha256]),
    ...(leg.reportSha256 === undefined ? [] : [leg.reportSha256]),
  ]);
  return [...new Set(hashes)];
}

/** Work and result as a message has them: each kind in its own field. */
export function workFields({
  spec,
  result,
}: {
  readonly spec: JobSpec;
  readonly result: JobResult | undefined;
}) {
  return {
    ...(isRepoIndex(spec) ? { repoIndex: spec } : { spec }),
    ...(result === undefined ? {} : isIndexResult(result) ? { repoIndexResult: result } : { result }),
  };
}
