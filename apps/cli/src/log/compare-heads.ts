// Whether two signed heads are of one log: the smaller tree has to be the
// beginning of the larger one, which tiles of the larger one show.

import {
  consistencyRanges,
  equalHashes,
  parseTile,
  rangeHashes,
  tilePath,
  tilesOf,
  verifyConsistency,
  type Checkpoint,
} from "@openagents/receipts";

/** Bytes of a tile by its path below `tile/`, such as `0/x001/067`. */
export type ReadTile = (path: string) => Promise<Uint8Array>;

/** How two heads of one log can contradict each other. */
export type Contradiction =
  /** Two roots for one size. */
  | "split_view"
  /** The smaller tree is not the beginning of the larger one. */
  | "fork";

/** Undefined when they are consistent. Throws what `readTile` throws, and when a tile is no tile. */
export async function findContradiction(
  a: Checkpoint,
  b: Checkpoint,
  readTile: ReadTile,
): Promise<Contradiction | undefined> {
  if (a.size === b.size) return equalHashes(a.root, b.root) ? undefined : "split_view";
  const [older, newer] = a.size < b.size ? [a, b] : [b, a];
  const ranges = consistencyRanges(older.size, newer.size);
  const tiles = await Promise.all(
    tilesOf(ranges, newer.size).map(async (tile) => {
      const bytes = await readTile(tilePath(tile).slice("tile/".length));
      return [`${tile.level}/${tile.index}`, parseTile(bytes, tile.width)] as const;
    }),
  );
  const read = new Map(tiles);
  const proof = rangeHashes(ranges, (level, index) => read.get(`${level}/${index}`) ?? []);
  const claim = { oldSize: older.size, oldRoot: older.root, size: newer.size, root: newer.root };
  return verifyConsistency(claim, proof) ? undefined : "fork";
}
