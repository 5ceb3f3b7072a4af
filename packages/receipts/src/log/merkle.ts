// Merkle tree hashing of RFC 9162 §2.1, over ranges of entries. A range that the
// RFC's recursion meets is a row of perfect subtrees, largest first; whoever
// stores the hashes of perfect subtrees can tell the hash of any such range.

import { concatBytes } from "@noble/hashes/utils.js";
import { sha256 } from "../sha256.ts";

/** Entries `begin` up to, not including, `end`. */
export type Range = { readonly begin: number; readonly end: number };

/** A perfect subtree: the 2^level entries from index · 2^level on. Level 0 is a leaf. */
export type TreeNode = { readonly level: number; readonly index: number };

export const HASH_BYTES = 32;

/** Sizes and indexes are counted in doubles, which are exact up to here. */
export const TREE_SIZE_MAX = Number.MAX_SAFE_INTEGER;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The root of a tree without entries. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array());
}

export function hashLeaf(entry: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF, entry));
}

/** The prefixes differ, so that no inner node can be passed off as an entry. */
export function hashChildren(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE, left, right));
}

/** The perfect subtrees of a range, left to right. */
export function nodesOf({ begin, end }: Range): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let at = begin; at < end;) {
    const level = Math.floor(Math.log2(end - at));
    // The logarithm of a large number may be rounded up.
    const fits = 2 ** level <= end - at ? level : level - 1;
    nodes.push({ level: fits, index: at / 2 ** fits });
    at += 2 ** fits;
  }
  return nodes;
}

/** The hash of a range from the hashes of its perfect subtrees, left to right. */
export function foldNodes(hashes: readonly Uint8Array[]): Uint8Array {
  const last = hashes.at(-1);
  if (last === undefined) return emptyRoot();
  return hashes.slice(0, -1).reduceRight((right, left) => hashChildren(left, right), last);
}

/** Largest power of two smaller than a size above 1: where the RFC splits a tree. */
export function splitOf(size: number): number {
  const [first] = nodesOf({ begin: 0, end: size - 1 });
  return 2 ** (first?.level ?? 0);
}

export function equalHashes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
