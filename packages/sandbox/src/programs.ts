// The system's programs that the sandbox is made of. Looked up in the system's
// own folders, never on the caller's path, where a repository could put its own.

import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { SandboxError } from "./sandbox-error.ts";

export const SYSTEM_PATH = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

const PACKAGES = {
  bwrap: "bubblewrap",
  mount: "mount",
  nsenter: "util-linux",
  prlimit: "util-linux",
  setpriv: "util-linux",
  tar: "tar",
  unshare: "util-linux",
} as const;

export type Program = keyof typeof PACKAGES;

export type Programs = Readonly<Record<Program, string>>;

/** Absolute paths of all of them. Throws `sandbox_unavailable` with the command that installs those that are missing. */
export function findPrograms(folders: readonly string[] = SYSTEM_PATH): Programs {
  const found = (name: Program) => folders.map((folder) => join(folder, name)).find(isExecutable);
  const missing = new Set<string>();
  const need = (name: Program): string => {
    const path = found(name);
    if (path === undefined) missing.add(PACKAGES[name]);
    return path ?? "";
  };
  const programs: Programs = {
    bwrap: need("bwrap"),
    mount: need("mount"),
    nsenter: need("nsenter"),
    prlimit: need("prlimit"),
    setpriv: need("setpriv"),
    tar: need("tar"),
    unshare: need("unshare"),
  };
  if (missing.size === 0) return programs;
  const packages = [...missing].join(" ");
  throw new SandboxError(
    "sandbox_unavailable",
    `the sandbox needs ${packages}, which this machine lacks. Run: ${installCommand(packages)}`,
  );
}

function installCommand(packages: string): string {
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  if (isExecutable("/usr/bin/dnf")) return `${sudo}dnf install -y ${packages}`;
  if (isExecutable("/usr/bin/pacman")) return `${sudo}pacman -S --noconfirm ${packages}`;
  if (isExecutable("/sbin/apk")) return `${sudo}apk add ${packages}`;
  return `${sudo}apt-get install -y ${packages}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
