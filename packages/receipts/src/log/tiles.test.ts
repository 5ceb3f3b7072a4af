import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeEntries, parseTile, parseTilePath, tilePath, widthIn } from "@openagents/receipts";
import fc from "fast-check";

test("paths are those of the specification's examples, and read back", () => {
  assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), "tile/0/x001/x234/067");
  assert.equal(tilePath({ level: "entries", index: 273, width: 112 }), "tile/entries/273.p/112");
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant("entries" as const)),
      fc.maxSafeNat(),
      fc.integer({ min: 1, max: 256 }),
      (level, index, width) => {
        assert.deepEqual(parseTilePath(tilePath({ level, index, width })), { level, index, width });
      },
    ),
  );
});

test("a tile has one path", () => {
  for (const path of [
    "tile/0/0",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/x000/000",
    "tile/0/001/067",
    "tile/0/x001/x067",
    "tile/0/000/",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/data/000",
    "/tile/0/000",
    "tile/0/../000",
  ])
    assert.equal(parseTilePath(path), undefined, path);
});

test("a tree of 70 000 has the tiles that the specification counts", () => {
  assert.deepEqual(
    [widthIn(70_000, 0, 272), widthIn(70_000, 0, 273), widthIn(70_000, 0, 274)],
    [256, 112, 0],
  );
  assert.deepEqual([widthIn(70_000, 1, 0), widthIn(70_000, 1, 1), widthIn(70_000, 1, 2)], [256, 17, 0]);
  assert.deepEqual([widthIn(70_000, 2, 0), widthIn(70_000, 3, 0)], [1, 0]);
  assert.deepEqual([widthIn(256, 0, 0), widthIn(256, 1, 0)], [256, 1]);
});

test("entries stand behind their length in two bytes, and a tile of another size is refused", () => {
  assert.deepEqual(
    encodeEntries([Uint8Array.of(9), new Uint8Array(300)]).slice(0, 5),
    Uint8Array.of(0, 1, 9, 1, 44),
  );
  assert.equal(parseTile(new Uint8Array(64), 2).length, 2);
  assert.throws(() => parseTile(new Uint8Array(63), 2), RangeError);
  assert.throws(() => parseTile(new Uint8Array(64), 1), RangeError);
});
