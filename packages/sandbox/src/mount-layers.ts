// Layers: read-only folders of the host at places of their own in a run.
//
// They are mounted once, in the run's namespace, between the copy of the tree
// and the first command. The mount point in /work is made by a confined process
// in the copy, which no link can lead out of; the mount holds on to the folder
// itself, so a command that moves or links the way to it changes nothing of the
// host for the next command.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { RUN_PARTS, type Identity, type Mount } from "./confinement.ts";
import { SYSTEM_PATH } from "./programs.ts";
import type { Step } from "./run-confined.ts";
import type { RunFolder } from "./run-folder.ts";
import type { Layer, RunRequest } from "./sandbox.ts";
import { SandboxError } from "./sandbox-error.ts";

const STEP_WALL_MS = 30_000;
const STEP_OUTPUT_BYTES = 16 * 1024;
const BROKEN_WAY = 3;

// Each argument is an absolute path below /work or /tmp; its folders are made one by one.
const MAKE_POINTS = `
for point do
  path= rest=\${point#/}
  while [ -n "$rest" ]; do
    path=$path/\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    if [ -L "$path" ] || { [ -e "$path" ] && [ ! -d "$path" ]; }; then
      echo "$path" >&2
      exit ${BROKEN_WAY}
    fi
    [ -d "$path" ] || mkdir "$path" || exit 1
  done
done
`;

// Positional: the run's folder, owner of caches or "-", then triples. Flags are
// given again since a remount drops those that are not; an unprivileged one may
// not drop noexec.
const MOUNT = `
set -eu
cd "$1"
owner=$2
shift 2
while [ $# -gt 0 ]; do
  case $1 in
  layer)
    mkdir -p "$3"
    mount --bind "$2" "$3"
    mount -o remount,bind,ro,nosuid,nodev "$3" 2>/dev/null ||
      mount -o remount,bind,ro,nosuid,nodev,noexec "$3"
    ;;
  cache)
    mkdir -p "$2"
    [ "$owner" = - ] || chown "$owner:$owner" "$2"
    mount --bind "$2" "$3"
    ;;
  esac
  shift 3
done
`;

/** Make the folders that layers are mounted on in /work, and the one to collect. Throws `sandbox_request_invalid` where the tree has something else on the way. */
export async function makePoints(step: Step, request: Pick<RunRequest, "collect" | "layers">): Promise<void> {
  const points = (request.layers ?? []).map(({ target }) => target).filter(isInWork);
  if (request.collect !== undefined) points.push(request.collect.folder);
  if (points.length === 0) return;
  const end = await step(["/bin/sh", "-c", MAKE_POINTS, "sh", ...points], {
    metered: false,
    wallMs: STEP_WALL_MS,
    outputBytes: STEP_OUTPUT_BYTES,
  });
  if (end.exitCode === 0) return;
  const words = end.stderr.toString("utf8").trim();
  if (end.exitCode === BROKEN_WAY) {
    const problem = `${words} is a link or a file in the tree, so no layer can be mounted there`;
    throw new SandboxError("sandbox_request_invalid", `the sandbox cannot run this: ${problem}`);
  }
  if (words.includes("No space left on device"))
    throw new SandboxError("sandbox_tree_too_large", "the tree leaves no room; raise the limit diskMib");
  throw new SandboxError("sandbox_failed", `the places of the layers could not be made: ${words}`);
}

/** Mount the layers in the run's namespace. Answers those that each command's own mounts have to name. Throws `sandbox_failed`. */
export async function mountLayers(
  run: RunFolder,
  identity: Identity,
  layers: readonly Layer[],
): Promise<Mount[]> {
  if (layers.length === 0) return [];
  const mounts: Mount[] = [];
  const args: string[] = [];
  for (const [index, { source, target, caches = [] }] of layers.entries()) {
    const point = isInWork(target)
      ? `${run.folder}/${RUN_PARTS.work}/${target.slice("/work/".length)}`
      : `${run.folder}/${RUN_PARTS.layers}/${index}`;
    if (!isInWork(target)) mounts.push({ folder: point, target });
    args.push("layer", source, point);
    for (const [at, cache] of caches.entries())
      args.push("cache", `${run.folder}/${RUN_PARTS.caches}/${index}-${at}`, `${point}/${cache}`);
  }
  const owner = identity.by === "drop" ? String(identity.uid) : "-";
  await inNamespace(run, ["/bin/sh", "-c", MOUNT, "sh", run.folder, owner, ...args]);
  return mounts;
}

function isInWork(target: string): boolean {
  return target.startsWith("/work/");
}

/** Run a program of ours with the rights over the run's own mounts. */
async function inNamespace(run: RunFolder, argv: readonly string[]): Promise<void> {
  const [program = "", ...args] = [...run.enter, ...argv];
  const child = spawn(program, args, {
    cwd: "/",
    env: { PATH: SYSTEM_PATH.join(":"), LC_ALL: "C" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let words = "";
  child.stderr.on("data", (data: Buffer) => {
    if (words.length < STEP_OUTPUT_BYTES) words += data.toString("utf8");
  });
  // What hangs here hangs in the namespace, and goes with it.
  const wall = setTimeout(() => run.kill(), STEP_WALL_MS);
  const code = await once(child, "close").then(
    ([exit]) => Number(exit ?? 125),
    () => 125,
  );
  clearTimeout(wall);
  if (code !== 0)
    throw new SandboxError("sandbox_failed", `the layers could not be mounted: ${words.trim() || code}`);
}
