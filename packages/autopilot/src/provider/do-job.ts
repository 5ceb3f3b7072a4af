// One job, from its spec to its report: fetch the inputs, build the tree of
// each leg, run the commands in the sandbox, hand over the outputs. Everything
// that the buyer sent is checked against its hash before it is used, and what
// cannot be done is a failure with a code, never a made-up result.

import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ProblemError,
  type CommandResult,
  type Job,
  type JobFailure,
  type LegResult,
  type SandboxRunResult,
  type SandboxRunSpec,
} from "@openagents/contracts";
import { SandboxError, type CommandOutcome, type Sandbox } from "@openagents/sandbox";
import { AutopilotError } from "../autopilot-error.ts";
import { reading, type RuntimeClients } from "../clients.ts";
import { applyToFolder, checkOut, openBundle, type Base } from "../git/index.ts";
import { describeEnvironment } from "./environment.ts";
import { matchToolchains, type InstalledToolchain } from "./toolchains.ts";

export type LegRunner = Pick<Sandbox, "sandbox" | "limitsBy" | "runCommands">;

export type JobDeps = {
  readonly artifacts: Pick<RuntimeClients["artifacts"], "getArtifact" | "putArtifact">;
  readonly sandbox: LegRunner;
  readonly toolchains: readonly InstalledToolchain[];
  readonly dataDir: string;
};

export type JobReport = { readonly result: SandboxRunResult } | { readonly failure: JobFailure };

const DETAIL_CHARS_MAX = 2_000;
const MIB = 1024 * 1024;

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
    return { result: await runLegs(deps, job.spec, leaseId, folder, signal) };
  } catch (cause) {
    signal.throwIfAborted();
    return { failure: failureOf(cause) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runLegs(
  deps: JobDeps,
  spec: SandboxRunSpec,
  leaseId: string,
  folder: string,
  signal: AbortSignal,
): Promise<SandboxRunResult> {
  const match = matchToolchains(deps.toolchains, spec.toolchains);
  if (match.kind === "missing") {
    const { name, versionMin } = match.requirement;
    throw new AutopilotError(
      "toolchain_missing",
      `This worker has no ${name} of version ${versionMin} or newer.`,
    );
  }
  const bundleFile = join(folder, "input.bundle");
  await writeFile(bundleFile, await fetchInput(deps, spec.baseBundleSha256, leaseId, signal));
  const patch = await fetchInput(deps, spec.patchSha256, leaseId, signal);
  const expected = { commit: spec.baseCommit, tree: spec.baseTree };
  const base = await openBundle(bundleFile, folder, expected, spec.limits.diskMib * MIB, signal);

  const leg = async (name: LegResult["leg"], onlyPaths?: readonly string[]): Promise<LegResult> => {
    const { tree, dir } = await buildTree(base, join(folder, name), patch, onlyPaths, signal);
    const { commands: outcomes } = await deps.sandbox.runCommands({
      tree: dir,
      commands: spec.commands,
      limits: {
        wallMs: Number(spec.limits.wallMs),
        cpuMs: Number(spec.limits.cpuMs),
        memoryMib: spec.limits.memoryMib,
        pids: spec.limits.pids,
        diskMib: spec.limits.diskMib,
        outputBytes: Number(spec.limits.outputBytes),
      },
      toolchains: match.toolchains,
      signal,
    });
    signal.throwIfAborted();
    const commands: CommandResult[] = [];
    for (const outcome of outcomes) commands.push(await reportCommand(deps, outcome, leaseId, signal));
    await rm(dir, { recursive: true, force: true });
    return { leg: name, tree, commands };
  };
  // One after the other, so that one leg's load cannot make the other fail.
  const legs = [await leg("base", spec.patchTestPaths), await leg("patched")];
  return { legs, environment: await describeEnvironment(deps.sandbox, match.toolchains) };
}

async function buildTree(
  base: Base,
  dir: string,
  patch: Buffer,
  onlyPaths: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<{ tree: string; dir: string }> {
  await checkOut(base, dir, signal);
  const part = onlyPaths === undefined ? { patch } : { patch, onlyPaths };
  return { dir, tree: await applyToFolder(base, dir, part, signal) };
}

async function fetchInput(
  deps: JobDeps,
  sha256: string,
  leaseId: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const { data } = await reading(() => deps.artifacts.getArtifact({ sha256, leaseId }, { signal }), signal);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const actual = sha256Of(bytes);
  if (actual !== sha256) {
    throw new AutopilotError("input_hash_mismatch", `Input ${sha256} came with the hash ${actual}.`);
  }
  return bytes;
}

async function reportCommand(
  deps: JobDeps,
  outcome: CommandOutcome,
  leaseId: string,
  signal: AbortSignal,
): Promise<CommandResult> {
  const put = async (data: Buffer): Promise<string> => {
    const sha256 = sha256Of(data);
    const content = { contentType: "application/octet-stream", data };
    await deps.artifacts.putArtifact({ sha256, content, leaseId }, { signal });
    return sha256;
  };
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
  if (cause instanceof AutopilotError) return { code: cause.code, detail: cut(cause.message) };
  if (cause instanceof SandboxError)
    return { code: cause.code, detail: "The worker's sandbox could not run the commands." };
  return { code: "provider_error", detail: "The worker failed for a reason of its own." };
}

function cut(text: string): string {
  return text.slice(0, DETAIL_CHARS_MAX);
}

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
