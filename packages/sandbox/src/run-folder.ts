// The run's own folder: a sized tmpfs that only the run's sandboxes can see.
//
// It is mounted in a mount namespace of its own, held open by a small process
// that reads from us. When we are gone, even by SIGKILL, that read ends, and
// with the process the namespace and the folder go too.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { RUN_PARTS, systemFiles, type Identity } from "./confinement.ts";
import type { Programs } from "./programs.ts";
import { SYSTEM_PATH } from "./programs.ts";
import { SandboxError } from "./sandbox-error.ts";

export type RunFolder = AsyncDisposable & {
  /** Where it is mounted, in its namespace. */
  readonly folder: string;
  /** What comes before a command line that is to run in the namespace. */
  readonly enter: readonly string[];
};

/** Files and folders that fit, at least; more in a larger folder. Bounded, since each takes kernel memory. */
const INODES_MIN = 65_536;
const INODES_PER_MIB = 128;
const ERROR_CHARS_MAX = 4_000;

// Positional: folder, mount options, user id of the command, or "-" to leave
// ownership alone, then name and text of each system file.
const SETUP = `
set -eu
folder=$1 options=$2 owner=$3
shift 3
umask 022
mount -t tmpfs -o "$options" openagents "$folder"
cd "$folder"
mkdir ${Object.values(RUN_PARTS).join(" ")} ${RUN_PARTS.tmp}/home
chmod 1777 ${RUN_PARTS.shared} ${RUN_PARTS.tmp}
if [ "$owner" != - ]; then
  chown "$owner:$owner" ${RUN_PARTS.work} ${RUN_PARTS.tmp}/home
fi
while [ $# -gt 0 ]; do
  printf %s "$2" >"${RUN_PARTS.system}/$1"
  shift 2
done
echo ready
exec cat >/dev/null
`;

/**
 * Mount a folder of `diskMib` over `over`, which only has to exist: the
 * namespace is private, so nobody else sees it covered. Throws `sandbox_failed`.
 */
export async function openRunFolder(
  programs: Programs,
  identity: Identity,
  over: string,
  diskMib: number,
): Promise<RunFolder> {
  const inodes = Math.max(INODES_MIN, diskMib * INODES_PER_MIB);
  const options = `size=${diskMib}m,nr_inodes=${inodes},mode=0755,nosuid,nodev`;
  const owner = identity.by === "drop" ? String(identity.uid) : "-";
  const namespaces = identity.by === "drop" ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
  const setup = ["/bin/sh", "-c", SETUP, "sh", over, options, owner];
  const files = Object.entries(systemFiles(identity.uid)).flat();
  const child = spawn(
    programs.unshare,
    [...namespaces, "--propagation", "private", "--", ...setup, ...files],
    {
      cwd: "/",
      env: { PATH: SYSTEM_PATH.join(":"), LC_ALL: "C" },
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  const exited = once(child, "exit").catch(() => undefined);
  try {
    await untilReady(child);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  const asUser = identity.by === "drop" ? [] : ["--user", "--preserve-credentials"];
  return {
    folder: over,
    enter: [programs.nsenter, "--target", String(child.pid), "--mount", "--root", ...asUser, "--"],
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function untilReady(child: ChildProcess): Promise<void> {
  let out = "";
  let problem = "";
  child.stderr?.on("data", (data: Buffer) => {
    if (problem.length < ERROR_CHARS_MAX) problem += data.toString("utf8");
  });
  // Killed together with its reader is the ordinary end; a late write must not be an uncaught error.
  child.stdin?.on("error", () => {});
  const ready = Promise.withResolvers<void>();
  child.stdout?.on("data", (data: Buffer) => {
    out += data.toString("utf8");
    if (out === "ready\n") ready.resolve();
  });
  const failed = (what: string) =>
    new SandboxError("sandbox_failed", `the run's folder could not be mounted: ${what}`);
  child.once("error", (error) => ready.reject(failed(error.message)));
  child.once("close", () => ready.reject(failed(problem.trim() || "its process ended early")));
  await ready.promise;
}
