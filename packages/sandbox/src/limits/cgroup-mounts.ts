// Where this process may make control groups, read from /proc/self. Pure.

import { posix } from "node:path";

export type CgroupMount = {
  readonly version: 1 | 2;
  readonly folder: string;
  /** Which part of the hierarchy is mounted there; "/" unless a container shows only its own. */
  readonly root: string;
  /** Of version 1: `memory`, `pids`, … */
  readonly controllers: readonly string[];
};

/** The cgroup mounts of a /proc/self/mountinfo (proc_pid_mountinfo(5)), in its order. */
export function parseCgroupMounts(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of mountinfo.split("\n")) {
    const [mount, source] = line.split(" - ");
    const [, , , root, folder] = (mount ?? "").split(" ");
    const [type, , options] = (source ?? "").split(" ");
    if (root === undefined || folder === undefined) continue;
    if (type !== "cgroup" && type !== "cgroup2") continue;
    mounts.push({
      version: type === "cgroup" ? 1 : 2,
      folder: unescape(folder),
      root: unescape(root),
      controllers: type === "cgroup" ? (options ?? "").split(",") : [],
    });
  }
  return mounts;
}

/** This process's own group for a controller of version 1, or of version 2 when undefined, from /proc/self/cgroup. */
export function findOwnGroup(cgroup: string, controller: string | undefined): string | undefined {
  for (const line of cgroup.split("\n")) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    const [, controllers = "", path = ""] = match;
    if (controller === undefined ? controllers === "" : controllers.split(",").includes(controller))
      return path;
  }
  return undefined;
}

/**
 * Folders of the mount from a group up to the mount's root. Groups of ours go
 * below our own where that can be, so that limits set on us hold for them too.
 */
export function groupFolders(mount: CgroupMount, ownGroup: string): string[] {
  const inside = posix.relative(mount.root, ownGroup);
  const folders = [mount.folder];
  if (inside !== "" && !inside.startsWith("..")) {
    for (const name of inside.split("/")) folders.unshift(posix.join(folders[0] ?? mount.folder, name));
  }
  return folders;
}

/** Space, tab, newline, and backslash are octal in mountinfo. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
