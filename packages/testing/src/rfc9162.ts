// A second opinion on the transparency log, written from RFC 9162 §2.1 and the
// C2SP documents alone: it recurses where the RFC defines by recursion, uses
// Node's own hashes and signatures, and shares no line with what it judges.

import { createHash, createPublicKey, verify } from "node:crypto";

export function leafOf(entry: Uint8Array): Buffer {
  return createHash("sha256").update(Buffer.of(0)).update(entry).digest();
}

function parentOf(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash("sha256").update(Buffer.of(1)).update(left).update(right).digest();
}

/** k of the RFC: the largest power of two below n. */
function k(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

/** MTH of §2.1.1, over the hashes of leaves. */
export function treeHash(leaves: readonly Uint8Array[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return createHash("sha256").digest();
  if (leaves.length === 1) return Buffer.from(first);
  const split = k(leaves.length);
  return parentOf(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

/** PATH of §2.1.3.1. */
export function auditPath(m: number, leaves: readonly Uint8Array[]): Buffer[] {
  if (leaves.length <= 1) return [];
  const split = k(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return m < split
    ? [...auditPath(m, left), treeHash(right)]
    : [...auditPath(m - split, right), treeHash(left)];
}

/** PROOF of §2.1.4.1. */
export function consistencyPath(m: number, leaves: readonly Uint8Array[]): Buffer[] {
  return subProof(m, leaves, true);
}

function subProof(m: number, leaves: readonly Uint8Array[], complete: boolean): Buffer[] {
  if (m === leaves.length) return complete ? [] : [treeHash(leaves)];
  const split = k(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return m <= split
    ? [...subProof(m, left, complete), treeHash(right)]
    : [...subProof(m - split, right, false), treeHash(left)];
}

/** The root to which a leaf and its audit path lead. Throws when the path has another length. */
export function rootByPath(m: number, n: number, leaf: Uint8Array, path: readonly Uint8Array[]): Buffer {
  const last = path.at(-1);
  if (n === 1) {
    if (last !== undefined) throw new Error("the path is too long");
    return Buffer.from(leaf);
  }
  if (last === undefined) throw new Error("the path is too short");
  const [split, rest] = [k(n), path.slice(0, -1)];
  return m < split
    ? parentOf(rootByPath(m, split, leaf, rest), last)
    : parentOf(last, rootByPath(m - split, n - split, leaf, rest));
}

/** The old and the new root to which a consistency path leads. Throws when it has another length. */
export function rootsByProof(
  m: number,
  n: number,
  oldRoot: Uint8Array,
  path: readonly Uint8Array[],
): [Buffer, Buffer] {
  const walk = (m2: number, n2: number, complete: boolean, rest: readonly Uint8Array[]): [Buffer, Buffer] => {
    const last = rest.at(-1);
    if (m2 === n2 && complete) {
      if (last !== undefined) throw new Error("the path is too long");
      return [Buffer.from(oldRoot), Buffer.from(oldRoot)];
    }
    if (last === undefined) throw new Error("the path is too short");
    if (m2 === n2) {
      if (rest.length !== 1) throw new Error("the path is too long");
      return [Buffer.from(last), Buffer.from(last)];
    }
    const [split, before] = [k(n2), rest.slice(0, -1)];
    if (m2 <= split) {
      const [older, newer] = walk(m2, split, complete, before);
      return [older, parentOf(newer, last)];
    }
    const [older, newer] = walk(m2 - split, n2 - split, false, before);
    return [parentOf(last, older), parentOf(last, newer)];
  };
  return walk(m, n, true, path);
}

export type ReadHead = { readonly origin: string; readonly size: number; readonly root: Buffer };

/** A checkpoint's head when the key of the form `name+id+base64` signed it. Throws otherwise. */
export function readCheckpoint(note: string, key: string): ReadHead {
  const [, name = "", id = "", encoded = ""] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(key) ?? [];
  const publicKey = Buffer.from(encoded, "base64").subarray(1);
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]);
  const text = note.slice(0, note.lastIndexOf("\n\n") + 1);
  const line = note.slice(text.length + 1).split("\n")[0] ?? "";
  const signature = Buffer.from(line.slice(`— ${name} `.length), "base64");
  const isSigned =
    line.startsWith(`— ${name} `) &&
    signature.subarray(0, 4).toString("hex") === id &&
    verify(
      null,
      Buffer.from(text),
      createPublicKey({ key: spki, format: "der", type: "spki" }),
      signature.subarray(4),
    );
  if (!isSigned) throw new Error("the checkpoint is not signed by the key");
  const [origin = "", size = "", root = ""] = text.split("\n");
  return { origin, size: Number(size), root: Buffer.from(root, "base64") };
}

/**
 * Read a whole published log, and check that its entries, its tiles of every level
 * and its checkpoint tell of one tree. Answers the hashes of its leaves. Throws otherwise.
 */
export async function readPublishedLog(
  size: number,
  root: Uint8Array,
  read: (path: string) => Promise<Uint8Array>,
): Promise<Buffer[]> {
  const leaves: Buffer[] = [];
  for (let tile = 0; leaves.length < size; tile += 1) {
    const width = Math.min(256, size - leaves.length);
    let bundle = Buffer.from(await read(pathOf("entries", tile, width)));
    const begin = leaves.length;
    while (bundle.length > 0) {
      const end = 2 + bundle.readUInt16BE(0);
      if (bundle.length < end) throw new Error("an entry bundle is cut");
      leaves.push(leafOf(bundle.subarray(2, end)));
      bundle = bundle.subarray(end);
    }
    if (leaves.length - begin !== width) throw new Error("an entry bundle has another number of entries");
  }
  let row = leaves;
  for (let level = 0; row.length > 0; level += 1) {
    const next: Buffer[] = [];
    for (let tile = 0; tile * 256 < row.length; tile += 1) {
      const hashes = row.slice(tile * 256, (tile + 1) * 256);
      const published = Buffer.from(await read(pathOf(level, tile, hashes.length)));
      if (!published.equals(Buffer.concat(hashes)))
        throw new Error(`tile ${level}/${tile} does not follow from the entries`);
      if (hashes.length === 256) next.push(treeHash(hashes));
    }
    row = next;
  }
  if (!treeHash(leaves).equals(root)) throw new Error("the root does not follow from the entries");
  return leaves;
}

function pathOf(level: number | "entries", index: number, width: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, "0");
  const groups = digits.match(/.{3}/g) ?? [];
  const name = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${level}/${name}${width < 256 ? `.p/${width}` : ""}`;
}
