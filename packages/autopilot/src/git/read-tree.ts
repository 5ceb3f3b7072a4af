// A tree read object by object, without a work folder.

import { AutopilotError } from "../autopilot-error.ts";
import type { Base } from "./base-tree.ts";
import { runGit } from "./run-git.ts";

export type TreeItem = {
  readonly path: string;
  readonly mode: string;
  readonly id: string;
  /** Undefined for a submodule. */
  readonly size: number | undefined;
};

const LIST_BYTES_MAX = 64 * 1024 * 1024;
/** `<id> blob <size>\n` before, and a newline behind each. */
const FRAME_BYTES_MAX = 80;

/** All files of the base's tree. Throws `tree_unsupported` for a path that is not UTF-8. */
export async function listTree(base: Base, signal: AbortSignal): Promise<TreeItem[]> {
  const call = { cwd: base.gitDir, gitDir: base.gitDir, outputBytesMax: LIST_BYTES_MAX, signal };
  const listed = await runGit(["ls-tree", "-r", "-l", "-z", "--full-tree", base.tree], call);
  return decodeText(listed).split("\0").slice(0, -1).map(itemOf);
}

/** `<mode> <type> <id> <size>\t<path>`; a submodule has `-` for its size. */
function itemOf(line: string): TreeItem {
  const tab = line.indexOf("\t");
  const [mode = "", type, id = "", size = ""] = line.slice(0, tab).split(/ +/);
  return { path: line.slice(tab + 1), mode, id, size: type === "blob" ? Number(size) : undefined };
}

/** Invisible characters count: what is left out would be another path. */
function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new AutopilotError("tree_unsupported", "A path of the tree is not UTF-8.", { cause });
  }
}

/** The content of each, by id; they must fit into memory together. */
export async function readBlobs(
  base: Base,
  items: readonly TreeItem[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Buffer>> {
  const expected = items.reduce((sum, { size = 0 }) => sum + size + FRAME_BYTES_MAX, 0);
  const out = await runGit(["cat-file", "--batch"], {
    cwd: base.gitDir,
    gitDir: base.gitDir,
    input: Buffer.from(items.map(({ id }) => `${id}\n`).join("")),
    outputBytesMax: expected,
    signal,
  });
  const contents = new Map<string, Buffer>();
  let at = 0;
  for (const { id, size = 0 } of items) {
    const header = `${id} blob ${size}\n`;
    const start = at + header.length;
    if (out.toString("latin1", at, start) !== header)
      throw new AutopilotError("bundle_invalid", `The bundle does not hold blob ${id} as its tree says.`);
    contents.set(id, out.subarray(start, start + size));
    at = start + size + 1;
  }
  return contents;
}
