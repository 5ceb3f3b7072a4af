// A run: one folder, a copy of the tree in it, and the commands one after the other.

import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { realpath } from "node:fs/promises";
import type { Readable } from "node:stream";
import { checkRequest } from "./check-request.ts";
import { confinedCommand, type Identity } from "./confinement.ts";
import type { LimitKeeper, LimitScope } from "./limits/index.ts";
import { SYSTEM_PATH, type Programs } from "./programs.ts";
import { runConfined, type ConfinedEnd } from "./run-confined.ts";
import { openRunFolder, type RunFolder } from "./run-folder.ts";
import type { CommandOutcome, RunRequest } from "./sandbox.ts";
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

/** See `Sandbox.runCommands`. */
export async function runCommands(machine: Machine, asked: RunRequest): Promise<CommandOutcome[]> {
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
  const outcomes: CommandOutcome[] = [];
  for (const [commandIndex, command] of request.commands.entries()) {
    const end = await confine(run, ["/bin/sh", "-c", "--", command], {
      metered: true,
      wallMs: request.limits.wallMs,
      outputBytes: request.limits.outputBytes,
      onOutput: (stream, data) => request.onOutput?.({ commandIndex, stream, data }),
    });
    outcomes.push({ command, ...end });
    if (end.exitCode !== 0 || end.limit !== undefined) break;
  }
  return outcomes;
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

type ConfineOptions = Pick<
  Parameters<typeof runConfined>[0],
  "input" | "metered" | "onOutput" | "outputBytes" | "wallMs"
>;

function confine(run: Run, argv: readonly string[], options: ConfineOptions): Promise<ConfinedEnd> {
  const { machine, request, identity, scope, folder } = run;
  const where = { folder: folder.folder, rlimits: scope.rlimits };
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
  const end = await confine(run, [programs.tar, "-xf", "-", "-C", "/work"], {
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
  return { ...request, tree: await realpath(request.tree), toolchains };
}

/** Numbers that no distribution gives to a user or a service, so that a command's processes belong to it alone. */
const UID_FIRST = 60_578;
const UID_COUNT = 600;
/** In a user namespace the number means nothing outside. */
const UID_IN_NAMESPACE = 1_000;

let runsStarted = 0;

function nextIdentity(isRoot: boolean): Identity {
  if (!isRoot) return { by: "namespace", uid: UID_IN_NAMESPACE };
  runsStarted += 1;
  return { by: "drop", uid: UID_FIRST + ((process.pid + runsStarted) % UID_COUNT) };
}
