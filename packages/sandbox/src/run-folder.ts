// The run's own folder and the namespaces around it: a sized tmpfs that only the
// run's sandboxes can see, and a process namespace that holds them all.
//
// The first process of that namespace reads from us. When we are gone, even by
// SIGKILL, or want the run to end, the read ends and so does the process; the
// kernel then kills everything else in the namespace, however far its set-up
// had come, and the folder goes with the last of it.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { RUN_PARTS, systemFiles, type Identity } from "./confinement.ts";
import type { Programs } from "./programs.ts";
import { SYSTEM_PATH } from "./programs.ts";
import { SandboxError } from "./sandbox-error.ts";

export type RunFolder = AsyncDisposable & {
  /** Where it is mounted, in its namespace. */
  readonly folder: string;
  /** What comes before a command line that is to run in the namespaces. */
  readonly enter: readonly string[];
  /** Ends everything in the namespaces at once. The folder is of no more use then. */
  kill(): void;
  /** False once it was killed. */
  isOpen(): boolean;
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
# The numbers of this /proc are the host's still; bubblewrap needs its own.
read -r pid rest </proc/self/stat
mount -t proc proc /proc
echo "ready $pid"
# Not by exec: the first process must be a shell, which waits for orphans too.
cat >/dev/null
exit 0
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
  const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];
  if (identity.by === "namespace") namespaces.unshift("--user", "--map-root-user");
  const setup = ["/bin/sh", "-c", SETUP, "sh", over, options, owner];
  const files = Object.entries(systemFiles(identity.uid)).flat();
  const child = spawn(programs.unshare, [...namespaces, "--", ...setup, ...files], {
    cwd: "/",
    env: { PATH: SYSTEM_PATH.join(":"), LC_ALL: "C" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const closed = once(child, "close").catch(() => undefined);
  let open = true;
  const kill = () => {
    open = false;
    child.stdin.destroy();
    child.kill("SIGKILL");
  };
  try {
    const firstPid = await untilReady(child);
    const asUser = identity.by === "drop" ? [] : ["--user", "--preserve-credentials"];
    return {
      folder: over,
      enter: [programs.nsenter, "--target", firstPid, "--mount", "--pid", "--root", ...asUser, "--"],
      kill,
      isOpen: () => open,
      async [Symbol.asyncDispose]() {
        kill();
        await closed;
      },
    };
  } catch (error) {
    kill();
    throw error;
  }
}

/** The host's number of the first process in the namespace. */
async function untilReady(child: ChildProcessWithoutNullStreams): Promise<string> {
  let out = "";
  let problem = "";
  child.stderr.on("data", (data: Buffer) => {
    if (problem.length < ERROR_CHARS_MAX) problem += data.toString("utf8");
  });
  // Ending it by closing its input is the ordinary end.
  child.stdin.on("error", () => {});
  const ready = Promise.withResolvers<string>();
  child.stdout.on("data", (data: Buffer) => {
    if (out.length < ERROR_CHARS_MAX) out += data.toString("utf8");
    const pid = /^ready ([1-9]\d*)\n$/.exec(out)?.[1];
    if (pid !== undefined) ready.resolve(pid);
  });
  const failed = (what: string) =>
    new SandboxError("sandbox_failed", `the run's folder could not be made: ${what}`);
  child.once("error", (error) => ready.reject(failed(error.message)));
  child.once("close", () => ready.reject(failed(problem.trim() || "its process ended early")));
  return ready.promise;
}
