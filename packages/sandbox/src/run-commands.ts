// A run: one folder, a copy of the tree in it, and the commands one after the other.

import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { realpath } from "node:fs/promises";
import type { Readable } from "node:stream";
import { checkRequest } from "./check-request.ts";
import { collectFiles, type Collected } from "./collect.ts";
import { confinedCommand, type Identity, type Mount } from "./confinement.ts";
import { makePoints, mountLayers } from "./mount-layers.ts";
import type { LimitKeeper, LimitScope } from "./limits/index.ts";
import { SYSTEM_PATH, type Programs } from "./programs.ts";
import { runConfined, type ConfinedEnd, type ConfineOptions, type Step } from "./run-confined.ts";
import { openRunFolder, type RunFolder } from "./run-folder.ts";
import type { CommandOutcome, RunOutcome, RunRequest } from "./sandbox.ts";
import { SandboxError } from "./sandbox-error.ts";

/** What `createSandbox` found out about this machine. */
export type Machine = {
  readonly programs: Programs;
  readonly filter: Buffer;
  readonly keeper: LimitKeeper;
  readonly isRoot: boolean;
  readonly nowMs: () => number;
};

/** A tree that takes longer to copy is refused: it does not depend on the job's commands. */
const COPY_WALL_MS = 300_000;
const COPY_OUTPUT_BYTES = 16 * 1024;

const NOTHING_COLLECTED: Collected = { collected: new Map(), collectedTooMuch: false };

/** See `Sandbox.runCommands`. */
export async function runCommands(machine: Machine, asked: RunRequest): Promise<RunOutcome> {
  asked.signal?.throwIfAborted();
  await checkRequest(asked);
  const request = await withRealPaths(asked);
  // Again, for where the links lead.
  await checkRequest(request);
  const identity = nextIdentity(machine.isRoot);
  await using scope = openScope(machine, request);
  await using folder = await openRunFolder(machine.programs, identity, request.tree, request.limits.diskMib);
  const run: Run = { machine, request, identity, scope, folder };

  await copyTree(run);
  // Before anything of the job runs: nothing can move or link the way to a place while it is made.
  const step: Step = (argv, options) => confine(run, [], { ...request, env: {} }, argv, options);
  await makePoints(step, request);
  const mounts = await mountLayers(folder, identity, request.layers ?? []);

  const commands: CommandOutcome[] = [];
  for (const [commandIndex, command] of request.commands.entries()) {
    const end = await confine(run, mounts, request, ["/bin/sh", "-c", "--", command], {
      metered: true,
      wallMs: request.limits.wallMs,
      outputBytes: request.limits.outputBytes,
      onOutput: (stream, data) => request.onOutput?.({ commandIndex, stream, data }),
    });
    commands.push({ command, ...end });
    if (end.exitCode !== 0 || end.limit !== undefined) break;
  }
  const read = folder.isOpen() && request.collect !== undefined;
  const found = read ? await collectFiles(step, machine.programs, request.collect) : NOTHING_COLLECTED;
  return { commands, ...found };
}

function openScope({ keeper }: Machine, { limits }: RunRequest): LimitScope {
  try {
    return keeper.openScope(limits);
  } catch (error) {
    throw new SandboxError("sandbox_failed", "the limits of the run could not be set", { cause: error });
  }
}

type Run = {
  readonly machine: Machine;
  readonly request: RunRequest;
  readonly identity: Identity;
  readonly scope: LimitScope;
  readonly folder: RunFolder;
};

function confine(
  run: Run,
  mounts: readonly Mount[],
  request: Pick<RunRequest, "env" | "signal" | "toolchains">,
  argv: readonly string[],
  options: ConfineOptions,
): Promise<ConfinedEnd> {
  const { machine, identity, scope, folder } = run;
  const where = { folder: folder.folder, rlimits: scope.rlimits, mounts };
  return runConfined({
    commandLine: (gated) => [
      ...folder.enter,
      ...confinedCommand(machine.programs, identity, where, request, gated),
    ],
    argv,
    filter: machine.filter,
    scope,
    kill: () => folder.kill(),
    signal: request.signal,
    nowMs: machine.nowMs,
    ...options,
  });
}

/**
 * Unpack inside the sandbox, as its user: whatever the tree holds, it can
 * write nowhere else, and it counts against the same limits.
 */
async function copyTree(run: Run): Promise<void> {
  const { programs } = run.machine;
  await using packer = packTree(programs, run.request.tree);
  const step = { ...run.request, env: {} };
  const end = await confine(run, [], step, [programs.tar, "-xf", "-", "-C", "/work"], {
    metered: false,
    wallMs: COPY_WALL_MS,
    outputBytes: COPY_OUTPUT_BYTES,
    input: packer.start,
  });
  const words = end.stderr.toString("utf8").trim();
  if (words.includes("No space left on device")) {
    const { diskMib } = run.request.limits;
    throw new SandboxError(
      "sandbox_tree_too_large",
      `the tree does not fit into ${diskMib} MiB; raise the limit diskMib`,
    );
  }
  const problem = await packer.problem();
  if (problem === undefined && end.exitCode === 0) return;
  const why = problem || words || (end.limit === undefined ? `exit ${end.exitCode}` : `${end.limit} limit`);
  throw new SandboxError("sandbox_failed", `the tree could not be copied: ${why}`);
}

type Packer = AsyncDisposable & {
  readonly start: () => Readable;
  /** What went wrong, once it has ended; undefined when nothing did. */
  problem(): Promise<string | undefined>;
};

function packTree(programs: Programs, tree: string): Packer {
  let child: ChildProcessByStdio<null, Readable, Readable> | undefined;
  let ended = Promise.resolve<number>(125);
  let words = "";
  return {
    start() {
      child = spawn(programs.tar, ["-C", tree, "-cf", "-", "--", "."], {
        cwd: "/",
        env: { PATH: SYSTEM_PATH.join(":"), LC_ALL: "C" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      ended = once(child, "close").then(
        ([code]) => Number(code ?? 125),
        () => 125,
      );
      child.stderr.on("data", (data: Buffer) => {
        if (words.length < COPY_OUTPUT_BYTES) words += data.toString("utf8");
      });
      return child.stdout;
    },
    async problem() {
      const code = await ended;
      return code === 0 ? undefined : words.trim() || `tar ended with ${code}`;
    },
    async [Symbol.asyncDispose]() {
      child?.kill("SIGKILL");
      child?.stdout.destroy();
      await ended;
    },
  };
}

/** Mounts know no symbolic links, and a toolchain's folder is often reached by one. */
async function withRealPaths(request: RunRequest): Promise<RunRequest> {
  const toolchains = [];
  for (const { name, prefix } of request.toolchains)
    toolchains.push({ name, prefix: await realpath(prefix) });
  const layers = [];
  for (const layer of request.layers ?? []) layers.push({ ...layer, source: await realpath(layer.source) });
  return { ...request, tree: await realpath(request.tree), toolchains, layers };
}

/** Numbers that no distribution gives to a user or a service, so that a command's processes belong to it alone. */
export const UID_FIRST = 60_578;
export const UID_COUNT = 600;
/** In a user namespace the number means nothing outside. */
const UID_IN_NAMESPACE = 1_000;

let runsStarted = 0;

function nextIdentity(isRoot: boolean): Identity {
  if (!isRoot) return { by: "namespace", uid: UID_IN_NAMESPACE };
  runsStarted += 1;
  return { by: "drop", uid: UID_FIRST + ((process.pid + runsStarted) % UID_COUNT) };
}
