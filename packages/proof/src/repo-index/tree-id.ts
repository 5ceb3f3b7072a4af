// The id that git gives a tree, from its entries alone. It binds every path, mode
// and blob id of an index to the tree that the job names.

import { createHash } from "node:crypto";
import { compareUtf8 } from "./utf8-order.ts";

export type TreeEntry = {
  readonly path: string;
  /** Six octal digits. */
  readonly mode: string;
  /** Of the blob, or the commit of a submodule. */
  readonly id: string;
};

type Folder = Map<string, { readonly mode: string; readonly id: string } | Folder>;

const FOLDER_MODE = "40000";

/** Deeper than any tree that a person has made, and shallow enough to walk. */
const DEPTH_MAX = 200;

/** Undefined for entries that are no tree: a name twice, a file that is a folder too, or nested too deeply. */
export function treeIdOf(entries: readonly TreeEntry[]): string | undefined {
  const root: Folder = new Map();
  for (const { path, mode, id } of entries) {
    const names = path.split("/");
    const name = names.pop() ?? "";
    if (name === "" || names.length >= DEPTH_MAX) return undefined;
    let folder = root;
    for (const each of names) {
      let next = folder.get(each);
      if (next === undefined) folder.set(each, (next = new Map()));
      if (!(next instanceof Map) || each === "") return undefined;
      folder = next;
    }
    if (folder.has(name)) return undefined;
    folder.set(name, { mode, id });
  }
  return folderId(root);
}

function folderId(folder: Folder): string {
  const lines = [...folder].map(([name, child]) => {
    // Git sorts a folder as if its name ended in a slash.
    if (child instanceof Map) return { key: `${name}/`, name, mode: FOLDER_MODE, id: folderId(child) };
    return { key: name, name, ...child };
  });
  lines.sort((a, b) => compareUtf8(a.key, b.key));
  const parts = lines.flatMap(({ name, mode, id }) => [
    Buffer.from(`${mode} ${name}\0`),
    Buffer.from(id, "hex"),
  ]);
  const content = Buffer.concat(parts);
  return createHash("sha1").update(`tree ${content.length}\0`).update(content).digest("hex");
}
