// What this machine can confine, found out once, by trying it.

import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findLimitKeeper, rlimitKeeper } from "./limits/index.ts";
import { isMarkOfDead, nextOwnerMark } from "./owner-mark.ts";
import { findPrograms, type Programs } from "./programs.ts";
import { runCommands, type Machine } from "./run-commands.ts";
import type { Sandbox } from "./sandbox.ts";
import { SandboxError } from "./sandbox-error.ts";
import { seccompFilter } from "./seccomp.ts";

export type SandboxOptions = {
  /** Where the system's programs are; its own folders when absent. */
  readonly programFolders?: readonly string[];
  /** The clock for `startedAtMs`. */
  readonly nowMs?: () => number;
  /** Do without control groups where there are some; for tests. */
  readonly limitsBy?: "rlimits";
};

/** Holds inside every sandbox. A kernel or a set-up that ignores one of them gets no jobs. */
const SELF_CHECK = `
not() { if "$@" 2>/dev/null; then echo "possible: $*" >&2; exit 1; fi; }
set -e
not [ "$(id -u)" -eq 0 ]
not grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb):.*[1-9a-f]' /proc/self/status
grep -qE '^NoNewPrivs:.*1$' /proc/self/status
grep -qE '^Seccomp:.*2$' /proc/self/status
[ "$(grep -c : /proc/net/dev)" -eq 1 ]
not touch /usr/openagents
: >/work/x
`;

export const OWN_CHECK_FAILED = "a sandbox started and did not hold";

const SELF_CHECK_LIMITS = {
  wallMs: 30_000,
  cpuMs: 10_000,
  memoryMib: 64,
  pids: 16,
  diskMib: 1,
  outputBytes: 4_096,
};

const TRIAL_PREFIX = "openagents-sandbox-";

/**
 * Look at the machine and give back what runs commands on it, after a sweep of
 * what killed processes left of theirs. Throws
 * `sandbox_unavailable`, with the command that helps where one is known, when
 * commands cannot be confined here: they are never run otherwise.
 */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { arch, platform } = process;
  if (platform !== "linux" || (arch !== "x64" && arch !== "arm64")) {
    throw new SandboxError(
      "sandbox_unavailable",
      `the sandbox needs Linux on x64 or arm64; this is ${platform} on ${arch}`,
    );
  }
  const programs = findPrograms(options.programFolders);
  await sweepTrials();
  const version = await findVersion(programs);
  const best = {
    programs,
    filter: seccompFilter(arch),
    keeper: options.limitsBy === "rlimits" ? rlimitKeeper : await findLimitKeeper(),
    isRoot: process.geteuid?.() === 0,
    nowMs: options.nowMs ?? Date.now,
  };
  const machine = (await works(best)) ? best : { ...best, keeper: rlimitKeeper };
  if (machine !== best) await explainFailure(machine);
  return {
    sandbox: `bubblewrap ${version}`,
    limitsBy: machine.keeper.by,
    runCommands: (request) => runCommands(machine, request),
  };
}

async function findVersion({ bwrap }: Programs): Promise<string> {
  const { stdout } = await promisify(execFile)(bwrap, ["--version"]).catch((error: unknown) => {
    throw new SandboxError("sandbox_unavailable", `${bwrap} does not run`, { cause: error });
  });
  return /^bubblewrap (\S+)/.exec(stdout)?.[1] ?? "unknown";
}

async function works(machine: Machine): Promise<boolean> {
  return (await tryMachine(machine)) === undefined;
}

/** Why a sandbox does not hold here, in words; undefined when it does. */
async function tryMachine(machine: Machine): Promise<string | undefined> {
  const tree = join(tmpdir(), TRIAL_PREFIX + nextOwnerMark());
  try {
    await mkdir(tree, { mode: 0o700 });
    const commands = [SELF_CHECK];
    const { commands: outcomes } = await runCommands(machine, {
      tree,
      commands,
      limits: SELF_CHECK_LIMITS,
      toolchains: [],
    });
    const [outcome] = outcomes;
    return outcome?.exitCode === 0
      ? undefined
      : `${OWN_CHECK_FAILED}: ${outcome?.stderr.toString("utf8").trim()}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rmdir(tree).catch(() => undefined);
  }
}

/**
 * Remove the empty folders that trials of killed processes ran on. Never more
 * than an empty folder goes: anyone can make one of that name in a shared /tmp.
 */
async function sweepTrials(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(TRIAL_PREFIX) || !isMarkOfDead(name.slice(TRIAL_PREFIX.length))) continue;
    await rmdir(join(tmpdir(), name)).catch(() => undefined);
  }
}

async function explainFailure(machine: Machine): Promise<void> {
  const problem = await tryMachine(machine);
  if (problem === undefined) return;
  const fix = machine.isRoot ? undefined : await namespaceFix();
  const next =
    fix === undefined
      ? "Run on a system, or in a container, that lets this user mount and make namespaces."
      : `Run: sudo sysctl -w ${fix}`;
  throw new SandboxError("sandbox_unavailable", `commands cannot be confined here: ${problem}. ${next}`);
}

/** The setting that keeps ordinary users from making user namespaces, in the value that allows it. */
async function namespaceFix(): Promise<string | undefined> {
  const read = (path: string) =>
    readFile(`/proc/sys/${path}`, "utf8").then(
      (text) => text.trim(),
      () => "",
    );
  if ((await read("kernel/apparmor_restrict_unprivileged_userns")) === "1") {
    return "kernel.apparmor_restrict_unprivileged_userns=0";
  }
  if ((await read("kernel/unprivileged_userns_clone")) === "0") return "kernel.unprivileged_userns_clone=1";
  if ((await read("user/max_user_namespaces")) === "0") return "user.max_user_namespaces=15000";
  return undefined;
}
