// Which folders of the host a job may be shown.

import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, relative, resolve } from "node:path";
import { SandboxError } from "./sandbox-error.ts";

export async function checkFolder(path: string, what: string): Promise<number> {
  if (!isAbsolute(path) || path.includes("\0")) refuse(`${what} must be an absolute path`);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isDirectory()) return refuse(`${what} is not a folder: ${path}`);
  return found.mode;
}

/** A folder that is mounted as it is. Throws when it holds the user's own things, or when the command could not read it. */
export async function checkShared(path: string, what: string): Promise<void> {
  const mode = await checkFolder(path, what);
  // A whole home folder is neither tools nor a layer, and its owner would not expect a job to read it.
  const home = await realpath(homedir()).catch(homedir);
  const personal = [home, resolve(home, ".local")];
  if (personal.some((folder) => isInside(folder, path))) {
    refuse(`${what} (${path}) holds personal files; give a folder of its own`);
  }
  // As root the command runs as another user, which has only the rights of others.
  if (process.getuid?.() === 0 && (mode & 0o005) !== 0o005) {
    refuse(`${what} is not readable for other users. Run: chmod -R o+rX ${path}`);
  }
}

export function isInside(path: string, folder: string): boolean {
  const way = relative(resolve(folder), path);
  return way === "" || (way !== ".." && !way.startsWith("../"));
}

export function refuse(problem: string): never {
  throw new SandboxError("sandbox_request_invalid", `the sandbox cannot run this: ${problem}`);
}
