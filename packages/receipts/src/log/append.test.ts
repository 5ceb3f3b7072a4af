import assert from "node:assert/strict";
import { test } from "node:test";
import { growTree, hashLeaf, type TileRoot } from "@openagents/receipts";
import { treeHash } from "@openagents/testing";
import fc from "fast-check";

test("a tree grown in any steps has the root of the whole, and each full tile gives its hash up once", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(steps, (counts) => {
      const leaves: Uint8Array[] = [];
      const roots: TileRoot[] = [];
      for (const count of counts) {
        const added = Array.from({ length: count }, (_, at) =>
          hashLeaf(Uint8Array.of(leaves.length >> 8, at & 255, at >> 8)),
        );
        const full = Math.floor(leaves.length / 256);
        const edge = [leaves.slice(full * 256), roots.map(({ hash }) => hash)];
        const grown = growTree(leaves.length, edge, added);
        leaves.push(...added);
        roots.push(...grown.tileRoots);
        assert.equal(grown.size, leaves.length);
        assert.deepEqual(Buffer.from(grown.root), treeHash(leaves));
      }
      assert.deepEqual(
        roots.map(({ level, index, hash }) => [level, index, Buffer.from(hash)]),
        Array.from({ length: Math.floor(leaves.length / 256) }, (_, index) => [
          1,
          index,
          treeHash(leaves.slice(index * 256, (index + 1) * 256)),
        ]),
      );
    }),
    { numRuns: 40 },
  );
});

test("a tree grows over the border of its second level", () => {
  const leaf = hashLeaf(Uint8Array.of(1));
  const edge = [Array.from({ length: 255 }, () => leaf), Array.from({ length: 255 }, () => leaf)];
  const grown = growTree(65_535, edge, [leaf, leaf]);
  assert.deepEqual(
    grown.tileRoots.map(({ level, index }) => [level, index]),
    [
      [1, 255],
      [2, 0],
    ],
  );
  assert.equal(grown.size, 65_537);
  assert.throws(() => growTree(65_534, edge, []), RangeError);
});
