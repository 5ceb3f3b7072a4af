// Whether stored bytes are an index of the tree that a job names. Pure.
//
// All but the content's own figures follows from the entries, and the entries'
// paths, modes and ids from the tree. The sizes, hashes and line counts of the
// contents are what only a second reader of the tree can confirm.

import { INDEX_BYTES_MAX, makeRepoIndex, readEntries, type RepoIndex } from "./repo-index.ts";
import { treeIdOf } from "./tree-id.ts";

/** In order of precedence. */
export type IndexViolation =
  | "index_too_large"
  | "index_malformed"
  | "index_over_limits"
  | "index_not_canonical"
  | "index_tree_differs";

/** Canonical JSON, given in, because it belongs to receipts. */
export type CanonicalJson = {
  parse(bytes: Buffer): unknown;
  write(value: RepoIndex): string;
};

export type IndexLimits = {
  readonly baseTree: string;
  readonly filesMax: number;
  readonly bytesMax: bigint;
};

export type CheckedIndex =
  | { readonly violation: IndexViolation }
  | { readonly violation: undefined; readonly index: RepoIndex };

export function checkIndex(bytes: Buffer, limits: IndexLimits, json: CanonicalJson): CheckedIndex {
  if (bytes.length > INDEX_BYTES_MAX) return { violation: "index_too_large" };
  const entries = readEntries(parsed(bytes, json));
  if (entries === undefined) return { violation: "index_malformed" };
  const index = makeRepoIndex(limits.baseTree, entries);
  if (entries.length > limits.filesMax || BigInt(index.totals.bytes) > limits.bytesMax)
    return { violation: "index_over_limits" };
  // Sorted, with true totals and languages, and with nothing beside them.
  if (json.write(index) !== bytes.toString("utf8")) return { violation: "index_not_canonical" };
  if (treeIdOf(entries) !== limits.baseTree) return { violation: "index_tree_differs" };
  return { violation: undefined, index };
}

function parsed(bytes: Buffer, json: CanonicalJson): unknown {
  try {
    return json.parse(bytes);
  } catch {
    return undefined;
  }
}
