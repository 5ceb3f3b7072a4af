// What a command sees and may do: the arguments that say so to bubblewrap. Pure.
//
// SBX-1  No network, no host process, no host file but the system's programs, read-only.
// SBX-2  No rights: an unprivileged user, no capability, none to be gained by running a program.
// SBX-3  What can be written is the run's own sized folder: /work, /tmp, /dev/shm, and caches in layers.
// SBX-4  Nothing of the host's environment, and nothing of the request's before the rights are gone.
// SBX-5  Everything in it dies with us.
// Held by escapes.test.ts. Those of layers and collecting are in mount-layers.ts and collect.ts.

import { existsSync, lstatSync, readlinkSync } from "node:fs";
import type { Programs } from "./programs.ts";
import type { RunRequest } from "./sandbox.ts";

/** Who a command is, inside. Root's sandboxes have no user namespace, so there it is so outside too. */
export type Identity = {
  readonly uid: number;
  /**
   * `drop`: bubblewrap runs as root and the command becomes another user.
   * Needs no user namespace, which a chroot and some kernels refuse.
   * `namespace`: bubblewrap runs as an ordinary user in a namespace of its own.
   */
  readonly by: "drop" | "namespace";
};

/**
 * Descriptors that a sandbox starts with, beside the first three. bubblewrap
 * takes the filter from one and holds the next as long as anything lives; the
 * command gets neither. The last is the gate's, which closes it.
 */
export const FD = { seccomp: 3, life: 4, ready: 5 } as const;

/** Parts of the run's own folder; `system` is read-only for the command. */
export const RUN_PARTS = {
  work: "work",
  tmp: "tmp",
  shared: "shm",
  system: "system",
  /** Where layers below /opt are mounted. */
  layers: "layers",
  caches: "caches",
} as const;

const HOME = "/tmp/home";
export const TOOLCHAINS = "/opt/tc";

/** What programs need from /etc to start; none of it is about people or secrets. */
const ETC_SHARED = [
  "alternatives",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "ssl/openssl.cnf",
];

/** Our own, so that a lookup finds the command's user and no one else. */
export function systemFiles(uid: number): Readonly<Record<string, string>> {
  return {
    passwd: `root:x:0:0:root:/root:/bin/sh\nwork:x:${uid}:${uid}:work:${HOME}:/bin/sh\n`,
    group: `root:x:0:\nwork:x:${uid}:\n`,
    hosts: "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  };
}

/** The environment of every command; the request's own variables come on top. */
export function environmentOf(
  request: Pick<RunRequest, "toolchains" | "env">,
): Readonly<Record<string, string>> {
  const bins = request.toolchains.map(({ name }) => `${TOOLCHAINS}/${name}/bin`);
  return {
    PATH: [...bins, "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
    HOME,
    USER: "work",
    LOGNAME: "work",
    SHELL: "/bin/sh",
    TMPDIR: "/tmp",
    LANG: "C.UTF-8",
    ...request.env,
  };
}

/** A folder in the namespace that bubblewrap is started in, and where it is inside, below /opt. */
export type Mount = { readonly folder: string; readonly target: string };

/**
 * The command line that starts `argv` confined. `runFolder` is where the run's
 * own folder is mounted, in the namespace that bubblewrap is started in.
 */
export function confinedCommand(
  programs: Programs,
  identity: Identity,
  run: { readonly folder: string; readonly rlimits: readonly string[]; readonly mounts?: readonly Mount[] },
  request: Pick<RunRequest, "toolchains" | "env">,
  argv: readonly string[],
): string[] {
  const { folder, mounts = [] } = run;
  const groups: readonly (readonly string[])[] = [
    [programs.bwrap],
    ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"],
    ["--hostname", "sandbox", "--die-with-parent", "--new-session", "--clearenv"],
    ["--seccomp", String(FD.seccomp), "--sync-fd", String(FD.life)],
    rightsOf(identity),
    systemMounts(),
    // Named here, since folders that only a mount below them calls for are closed to others.
    ...["/etc", "/etc/ssl", "/opt", TOOLCHAINS, ...foldersAbove(mounts)].map((dir) => [
      "--perms",
      "0755",
      "--dir",
      dir,
    ]),
    ...ETC_SHARED.map((name) => ["--ro-bind-try", `/etc/${name}`, `/etc/${name}`]),
    ...Object.keys(systemFiles(identity.uid)).map((name) => [
      "--ro-bind",
      `${folder}/${RUN_PARTS.system}/${name}`,
      `/etc/${name}`,
    ]),
    ["--proc", "/proc", "--dev", "/dev"],
    ["--bind", `${folder}/${RUN_PARTS.shared}`, "/dev/shm", "--remount-ro", "/dev"],
    ...request.toolchains.map(({ name, prefix }) => ["--ro-bind", prefix, `${TOOLCHAINS}/${name}`]),
    // Read-only since they were mounted there, but for their caches.
    ...mounts.map((mount) => ["--bind", mount.folder, mount.target]),
    ["--bind", `${folder}/${RUN_PARTS.tmp}`, "/tmp", "--bind", `${folder}/${RUN_PARTS.work}`, "/work"],
    ["--remount-ro", "/", "--chdir", "/", "--"],
    [programs.prlimit, ...run.rlimits, "--"],
    withoutRights(programs, identity),
    // The request's variables come only here: before, they could steer a program that still has rights.
    ["/usr/bin/env", "-i"],
    Object.entries(environmentOf(request)).map(([name, value]) => `${name}=${value}`),
    argv,
  ];
  return groups.flat();
}

/** From the outside in, each once. */
function foldersAbove(mounts: readonly Mount[]): string[] {
  const above = new Set<string>();
  for (const { target } of mounts) {
    const parts = target.split("/");
    for (let count = 3; count < parts.length; count += 1) above.add(parts.slice(0, count).join("/"));
  }
  return [...above].sort();
}

function rightsOf({ by, uid }: Identity): string[] {
  if (by === "namespace")
    return ["--unshare-user", "--uid", String(uid), "--gid", String(uid), "--cap-drop", "ALL"];
  // Only what becoming another user takes; the step after drops these too.
  const needed = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"];
  return ["--cap-drop", "ALL", ...needed.flatMap((name) => ["--cap-add", name])];
}

function withoutRights(programs: Programs, { by, uid }: Identity): string[] {
  if (by === "namespace") return [programs.setpriv, "--no-new-privs"];
  const user = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups"];
  const capabilities = ["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"];
  return [programs.setpriv, ...user, ...capabilities, "--no-new-privs"];
}

/** /usr, and the folders beside it that are links into it on a merged system and folders on others. */
function systemMounts(): string[] {
  const args = ["--ro-bind", "/usr", "/usr"];
  for (const folder of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    if (!existsSync(folder)) continue;
    if (lstatSync(folder).isSymbolicLink()) args.push("--symlink", readlinkSync(folder), folder);
    else args.push("--ro-bind", folder, folder);
  }
  return args;
}
