// One job, from its spec to its report: fetch the inputs, run the legs in the
// sandbox or make the index, hand over what came of it. What cannot be done is a failure with
// a code, never a made-up result.

import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  ProblemError,
  type CodeChunkAnalysisResult,
  type CommandResult,
  type Job,
  type JobFailure,
  type LegResult,
  type RepoIndexResult,
  type RepoIndexSpec,
  type RetrievalRerankResult,
  type SandboxRunResult,
  type SandboxRunSpec,
} from "@openagents/contracts";
import { PatchError } from "@openagents/proof";
import { SandboxError, type CommandOutcome } from "@openagents/sandbox";
import { AutopilotError } from "../autopilot-error.ts";
import { reading, type RuntimeClients } from "../clients.ts";
import { readChecked, runLegs, type LegRunner } from "../legs/index.ts";
import type { Pause } from "../pause.ts";
import { analyseChunks, rankCandidates, type OpinionDeps } from "../opinions/index.ts";
import { makeIndex } from "../repo-index/index.ts";
import type { InstalledToolchain } from "../toolchains/index.ts";
import { describeEnvironment } from "./environment.ts";

export type JobDeps = {
  readonly artifacts: Pick<RuntimeClients["artifacts"], "getArtifact" | "putArtifact">;
  readonly sandbox: LegRunner;
  readonly toolchains: readonly InstalledToolchain[];
  readonly dataDir: string;
  readonly pause: Pause;
  /** What answers what takes judgement; undefined where no program is named for it. */
  readonly opinions: Pick<OpinionDeps, "program" | "caps"> | undefined;
};

export type JobReport =
  | { readonly result: SandboxRunResult }
  | { readonly repoIndexResult: RepoIndexResult }
  | { readonly codeChunkAnalysisResult: CodeChunkAnalysisResult }
  | { readonly retrievalRerankResult: RetrievalRerankResult }
  | { readonly failure: JobFailure };

const DETAIL_CHARS_MAX = 2_000;

/**
 * Do a leased job. Never rejects for the job's own faults: they become a failure
 * whose code says what was wrong. Rejects with the signal's reason when aborted.
 */
export async function doJob(
  deps: JobDeps,
  job: Job,
  leaseId: string,
  signal: AbortSignal,
): Promise<JobReport> {
  const folder = join(deps.dataDir, "jobs", job.jobId);
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (job.repoIndex !== undefined) {
      return { repoIndexResult: await indexTree(deps, job.repoIndex, leaseId, folder, signal) };
    }
    if (job.spec !== undefined)
      return { result: await runCheck(deps, job.spec, job.repeats, leaseId, folder, signal) };
    const { opinions, sandbox, toolchains } = deps;
    if (opinions !== undefined) {
      const readInput = (sha256: string) => fetchInput(deps, sha256, leaseId, signal);
      const tools = { ...opinions, sandbox, toolchains, readInput };
      const { codeChunkAnalysis, retrievalRerank } = job;
      if (codeChunkAnalysis !== undefined)
        return { codeChunkAnalysisResult: await analyseChunks(tools, codeChunkAnalysis, folder, signal) };
      if (retrievalRerank !== undefined)
        return { retrievalRerankResult: await rankCandidates(tools, retrievalRerank, folder, signal) };
    }
    return { failure: { code: "work_unknown", detail: "The worker does not know this type of work." } };
  } catch (cause) {
    signal.throwIfAborted();
    return { failure: failureOf(cause) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function indexTree(
  deps: JobDeps,
  spec: RepoIndexSpec,
  leaseId: string,
  folder: string,
  signal: AbortSignal,
): Promise<RepoIndexResult> {
  const readInput = (sha256: string) => fetchInput(deps, sha256, leaseId, signal);
  const bundle = await readChecked({ readInput }, spec.baseBundleSha256, signal);
  const { index, bytes } = await makeIndex(spec, bundle, folder, signal);
  const { totals, tree } = index;
  return {
    tree,
    indexSha256: await storeOutput(deps, bytes, leaseId, signal),
    indexBytes: BigInt(bytes.length),
    files: totals.files,
    bytes: BigInt(totals.bytes),
    lines: BigInt(totals.lines),
  };
}

async function runCheck(
  deps: JobDeps,
  spec: SandboxRunSpec,
  repeats: number,
  leaseId: string,
  folder: string,
  signal: AbortSignal,
): Promise<SandboxRunResult> {
  const { sandbox, toolchains: installed } = deps;
  const readInput = (sha256: string) => fetchInput(deps, sha256, leaseId, signal);
  const tools = { sandbox, toolchains: installed, readInput };
  const { legs: runs, toolchains } = await runLegs(tools, spec, folder, repeats, signal);
  const put = (data: Buffer) => storeOutput(deps, data, leaseId, signal);
  const legs: LegResult[] = [];
  for (const { leg, tree, commands, report } of runs) {
    const results: CommandResult[] = [];
    for (const outcome of commands) results.push(await describeOutcome(outcome, put));
    const result: LegResult = { leg, tree, commands: results };
    legs.push(report === undefined ? result : { ...result, reportSha256: await put(report) });
  }
  return { legs, environment: await describeEnvironment(sandbox, toolchains) };
}

async function fetchInput(
  deps: JobDeps,
  sha256: string,
  leaseId: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const get = () => deps.artifacts.getArtifact({ sha256, leaseId }, { signal });
  const { data } = await reading(get, signal, deps.pause);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

async function storeOutput(
  deps: JobDeps,
  data: Buffer,
  leaseId: string,
  signal: AbortSignal,
): Promise<string> {
  const sha256 = createHash("sha256").update(data).digest("hex");
  const content = { contentType: "application/octet-stream", data };
  // The same bytes under the same hash: a repeat changes nothing.
  const put = () => deps.artifacts.putArtifact({ sha256, content, leaseId }, { signal });
  await reading(put, signal, deps.pause);
  return sha256;
}

async function describeOutcome(
  outcome: CommandOutcome,
  put: (data: Buffer) => Promise<string>,
): Promise<CommandResult> {
  const ended =
    outcome.exitCode === undefined ? { signal: outcome.signal ?? "SIGKILL" } : { exitCode: outcome.exitCode };
  return {
    command: outcome.command,
    ...ended,
    ...(outcome.limit === undefined ? {} : { limit: outcome.limit }),
    durationMs: BigInt(Math.max(0, Math.round(outcome.durationMs))),
    stdoutSha256: await put(outcome.stdout),
    stderrSha256: await put(outcome.stderr),
  };
}

/** What the buyer may read: what concerns the job, and of this machine only the code. */
function failureOf(cause: unknown): JobFailure {
  if (cause instanceof ProblemError) return { code: "input_unavailable", detail: cut(cause.detail) };
  if (cause instanceof AutopilotError || cause instanceof PatchError)
    return { code: cause.code, detail: cut(cause.message) };
  if (cause instanceof SandboxError)
    return { code: cause.code, detail: "The worker's sandbox could not run the commands." };
  return { code: "provider_error", detail: "The worker failed for a reason of its own." };
}

function cut(text: string): string {
  return text.slice(0, DETAIL_CHARS_MAX);
}
