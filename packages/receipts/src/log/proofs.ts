// Inclusion and consistency proofs of RFC 9162 §2.1.3 and §2.1.4: which ranges a
// proof names, and what a proof shows to someone who has two roots and nothing else.
//
// LOG-1  A proof that verifies shows the entry at its index, or that the old tree is the new one's beginning.
// LOG-2  Any other hash, index, size or order does not verify; a proof has one length.
// Held by proofs.test.ts and tests/rfc9162.test.ts.

import { HASH_BYTES, TREE_SIZE_MAX, equalHashes, hashChildren, splitOf, type Range } from "./merkle.ts";

/** The ranges whose hashes prove that the entry is in the tree, leaf to root. */
export function inclusionRanges(index: number, size: number): Range[] {
  assertIndex(index, size);
  const ranges: Range[] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin);
    if (index < middle) {
      ranges.unshift({ begin: middle, end });
      end = middle;
    } else {
      ranges.unshift({ begin, end: middle });
      begin = middle;
    }
  }
  return ranges;
}

/** The ranges whose hashes prove that a tree of `oldSize` is the beginning of one of `size`. */
export function consistencyRanges(oldSize: number, size: number): Range[] {
  assertSizes(oldSize, size);
  if (oldSize === 0 || oldSize === size) return [];
  const ranges: Range[] = [];
  let begin = 0;
  let end = size;
  // Whether the rest is the whole old tree, whose root the verifier has.
  let isOldRoot = true;
  while (oldSize !== end) {
    const middle = begin + splitOf(end - begin);
    if (oldSize <= middle) {
      ranges.unshift({ begin: middle, end });
      end = middle;
    } else {
      ranges.unshift({ begin, end: middle });
      begin = middle;
      isOldRoot = false;
    }
  }
  return isOldRoot ? ranges : [{ begin, end }, ...ranges];
}

export type InclusionClaim = {
  /** Of the entry, as `hashLeaf` gives it. */
  readonly leafHash: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
};

/** Whether the proof shows the claim (§2.1.3.2). Never throws. */
export function verifyInclusion(claim: InclusionClaim, proof: readonly Uint8Array[]): boolean {
  const { leafHash, index, size, root } = claim;
  if (!isSize(size) || !isSize(index) || index >= size || !areHashes([leafHash, root, ...proof]))
    return false;
  let at = index;
  let last = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      hash = hashChildren(sibling, hash);
      // A right border without a right neighbour joins higher up.
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = hashChildren(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalHashes(hash, root);
}

export type ConsistencyClaim = {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
};

/**
 * Whether the proof shows the claim (§2.1.4.2). Never throws. Of an empty old
 * tree nothing is to be shown; two trees of one size have one root.
 */
export function verifyConsistency(claim: ConsistencyClaim, proof: readonly Uint8Array[]): boolean {
  const { oldSize, oldRoot, size, root } = claim;
  if (!isSize(oldSize) || !isSize(size) || oldSize > size || !areHashes([oldRoot, root, ...proof]))
    return false;
  if (oldSize === size) return proof.length === 0 && equalHashes(oldRoot, root);
  if (oldSize === 0) return proof.length === 0;
  let at = oldSize - 1;
  let last = size - 1;
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  // Where the old tree is one perfect subtree, its root begins the path and is not sent.
  const path = at === 0 ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined) return false;
  let oldHash = first;
  let hash = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      oldHash = hashChildren(sibling, oldHash);
      hash = hashChildren(sibling, hash);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = hashChildren(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalHashes(oldHash, oldRoot) && equalHashes(hash, root);
}

/** Shifting would cut numbers to 32 bits. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= TREE_SIZE_MAX;
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES);
}

function assertIndex(index: number, size: number): void {
  if (!isSize(index) || !isSize(size) || index >= size)
    throw new RangeError(`there is no entry ${index} in a tree of ${size}`);
}

function assertSizes(oldSize: number, size: number): void {
  if (!isSize(oldSize) || !isSize(size) || oldSize > size)
    throw new RangeError(`a tree of ${oldSize} is no beginning of one of ${size}`);
}
