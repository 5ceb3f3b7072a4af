import assert from "node:assert/strict";
import { test } from "node:test";
import {
  consistencyRanges,
  emptyRoot,
  hashLeaf,
  inclusionRanges,
  joinPerfect,
  rangeHashes,
  tilesOf,
  verifyConsistency,
  verifyInclusion,
} from "@openagents/receipts";
import { auditPath, consistencyPath, leafOf, rootByPath, rootsByProof, treeHash } from "@openagents/testing";
import fc from "fast-check";

/** Hashes of a tree's tiles, as a log that publishes them has them. */
function tilesIn(leaves: readonly Uint8Array[]) {
  const rows: Uint8Array[][] = [[...leaves]];
  for (let row = rows[0] ?? []; row.length >= 256; row = rows.at(-1) ?? []) {
    const next: Uint8Array[] = [];
    for (let at = 0; at + 256 <= row.length; at += 256) next.push(joinPerfect(row.slice(at, at + 256)));
    rows.push(next);
  }
  return (level: number, index: number) => (rows[level] ?? []).slice(index * 256, (index + 1) * 256);
}

function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const [root = assert.fail()] = rangeHashes([{ begin: 0, end: leaves.length }], tilesIn(leaves));
  return root;
}

const leavesOf = (count: number) =>
  Array.from({ length: count }, (_, at) => hashLeaf(new TextEncoder().encode(`entry ${at}`)));

test("the tree of Certificate Transparency's test leaves has its published roots", () => {
  const entries = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
  ];
  const roots = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ];
  const leaves = entries.map((entry) => hashLeaf(Buffer.from(entry, "hex")));
  assert.equal(
    Buffer.from(emptyRoot()).toString("hex"),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  for (const [index, root] of roots.entries()) {
    assert.equal(Buffer.from(rootOf(leaves.slice(0, index + 1))).toString("hex"), root);
  }
});

test("roots and proofs are those of the RFC's own recursion, and each side verifies the other's", () => {
  const sizes = [
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 31, 33, 64, 65, 100, 127, 255, 256, 257, 300, 511, 512, 513, 700,
  ];
  for (const size of sizes) {
    const leaves = leavesOf(size);
    const root = rootOf(leaves);
    const tiles = tilesIn(leaves);
    assert.deepEqual(Buffer.from(root), treeHash(leaves));
    const indexes =
      size <= 65 ? [...leaves.keys()] : [0, 1, 127, 128, 254, 255, 256, 257, size - 2, size - 1];
    for (const index of indexes.filter((each) => each < size)) {
      const leafHash = leaves[index] ?? assert.fail();
      const proof = rangeHashes(inclusionRanges(index, size), tiles);
      assert.deepEqual(
        proof.map((hash) => Buffer.from(hash)),
        auditPath(index, leaves),
      );
      assert.ok(verifyInclusion({ leafHash, index, size, root }, auditPath(index, leaves)));
      assert.deepEqual(rootByPath(index, size, leafHash, proof), Buffer.from(root));
      assert.deepEqual(leafOf(new TextEncoder().encode(`entry ${index}`)), Buffer.from(leafHash));
      const old = leaves.slice(0, index + 1);
      const oldRoot = rootOf(old);
      const consistency = rangeHashes(consistencyRanges(old.length, size), tiles);
      assert.deepEqual(
        consistency.map((hash) => Buffer.from(hash)),
        consistencyPath(old.length, leaves),
      );
      assert.ok(verifyConsistency({ oldSize: old.length, oldRoot, size, root }, consistency));
      assert.deepEqual(rootsByProof(old.length, size, oldRoot, consistency), [
        Buffer.from(oldRoot),
        Buffer.from(root),
      ]);
    }
  }
});

test("a tree of two full levels is proven from its tiles alone", () => {
  const leaves = leavesOf(66_000);
  const tiles = tilesIn(leaves);
  const root = rootOf(leaves);
  for (const index of [0, 255, 256, 65_535, 65_536, 65_999]) {
    const ranges = inclusionRanges(index, leaves.length);
    const leafHash = leaves[index] ?? assert.fail();
    assert.ok(verifyInclusion({ leafHash, index, size: leaves.length, root }, rangeHashes(ranges, tiles)));
    assert.ok(tilesOf(ranges, leaves.length).length <= 5);
  }
  const oldRoot = treeHash(leaves.slice(0, 40_000));
  const proof = rangeHashes(consistencyRanges(40_000, leaves.length), tiles);
  assert.ok(verifyConsistency({ oldSize: 40_000, oldRoot, size: leaves.length, root }, proof));
});

test("no bit of a proof or a root can be flipped, and no hash added, left out or moved", () => {
  const size = 13;
  const leaves = leavesOf(size);
  const root = rootOf(leaves);
  for (const index of [0, 6, 11, 12]) {
    const leafHash = leaves[index] ?? assert.fail();
    const proof = rangeHashes(inclusionRanges(index, size), tilesIn(leaves));
    const holds = (parts: readonly Uint8Array[]) => {
      const [first = assert.fail(), second = assert.fail(), ...rest] = parts;
      return verifyInclusion({ leafHash: first, index, size, root: second }, rest);
    };
    assertEveryChangeFails([leafHash, root, ...proof], holds);
    for (const other of [0, 1, 5, 7, 8, 12, 13, -1, 0.5, NaN].filter((each) => each !== index))
      assert.equal(
        verifyInclusion({ leafHash, index: other, size, root }, proof),
        false,
        `${index} as ${other}`,
      );
  }
  for (const oldSize of [1, 3, 4, 7, 8, 12]) {
    const oldRoot = rootOf(leaves.slice(0, oldSize));
    const proof = rangeHashes(consistencyRanges(oldSize, size), tilesIn(leaves));
    const holds = (parts: readonly Uint8Array[]) => {
      const [first = assert.fail(), second = assert.fail(), ...rest] = parts;
      return verifyConsistency({ oldSize, oldRoot: first, size, root: second }, rest);
    };
    assertEveryChangeFails([oldRoot, root, ...proof], holds);
    assert.equal(verifyConsistency({ oldSize: size, oldRoot, size, root }, []), false);
  }
});

test("two histories of one size are never consistent", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 80 }), fc.nat(), fc.nat(), (size, changed, cut) => {
      const leaves = leavesOf(size);
      const oldSize = 1 + (cut % (size - 1));
      const forked = leaves.with(changed % oldSize, hashLeaf(Uint8Array.of(7)));
      const proof = consistencyPath(oldSize, leaves);
      const claim = { oldSize, oldRoot: rootOf(leaves.slice(0, oldSize)), size, root: rootOf(leaves) };
      assert.ok(verifyConsistency(claim, proof));
      const other = { ...claim, oldRoot: rootOf(forked.slice(0, oldSize)) };
      assert.equal(verifyConsistency(other, proof), false);
      assert.equal(
        verifyConsistency({ ...other, root: rootOf(leaves) }, consistencyPath(oldSize, forked)),
        false,
      );
    }),
  );
});

function assertEveryChangeFails(
  parts: readonly Uint8Array[],
  holds: (parts: readonly Uint8Array[]) => boolean,
): void {
  assert.equal(holds(parts), true);
  for (const [at, part] of parts.entries()) {
    for (let bit = 0; bit < 256; bit += 1) {
      const flipped = part.with(bit >> 3, (part[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
      assert.equal(holds(parts.with(at, flipped)), false, `part ${at}, bit ${bit}`);
    }
    assert.equal(holds(parts.with(at, part.slice(1))), false);
    if (at >= 2) assert.equal(holds(parts.toSpliced(at, 1)), false);
    if (at >= 3) assert.equal(holds(parts.toSpliced(at - 1, 2, part, parts[at - 1] ?? part)), false);
  }
  assert.equal(holds([...parts, new Uint8Array(32)]), false);
}
