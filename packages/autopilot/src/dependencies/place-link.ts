// A link in the workspace to the copy of a layer. The workspace is the agent's,
// also on resume: nothing of it is replaced, and nothing is written through its links.

import { lstat, readlink, realpath, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

/** Undefined when the link is there; else why it is not, in words for a person. `dir` is a real path. */
export async function placeLink(dir: string, path: string, copy: string): Promise<string | undefined> {
  const at = join(dir, path);
  const parent = dirname(at);
  const found = await realpath(parent).catch(() => undefined);
  if (found === undefined) return "its folder is gone";
  if (found !== parent || !(await lstat(parent)).isDirectory()) return "its folder is a link or a file";
  const target = relative(parent, copy);
  try {
    await symlink(target, at);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
  }
  const present = await readlink(at).catch(() => undefined);
  return present === target ? undefined : "something else is in its place";
}
