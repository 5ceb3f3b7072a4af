// C2SP tlog-tiles: the tree as rows of 256 hashes, which a cache or a folder can
// serve. A tile of level L holds hashes of perfect subtrees of height 8 · L;
// the hashes between come from hashing them together.

import {
  HASH_BYTES,
  TREE_SIZE_MAX,
  foldNodes,
  hashChildren,
  nodesOf,
  type Range,
  type TreeNode,
} from "./merkle.ts";

export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;
const LEVEL_MAX = 63;

export type TileId = {
  /** `entries` for bundles of entries. */
  readonly level: number | "entries";
  readonly index: number;
  /** 1 to 256; less than 256 is a partial tile. */
  readonly width: number;
};

/** `tile/0/x001/067`, below the log's prefix. */
export function tilePath({ level, index, width }: TileId): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`${groups.length === 0 ? "" : "x"}${String(rest % 1000).padStart(3, "0")}`);
  }
  return `tile/${level}/${groups.join("/")}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** The tile of a path; undefined for every other spelling. */
export function parseTilePath(path: string): TileId | undefined {
  const match =
    /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path);
  if (match === null) return undefined;
  const [, word = "", groups = "", partial] = match;
  const level: TileId["level"] = word === "entries" ? word : Number(word);
  const index = Number(groups.replaceAll(/[x/]/g, ""));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  const tile = { level, index, width };
  if ((level !== "entries" && level > LEVEL_MAX) || index > TREE_SIZE_MAX) return undefined;
  // A full tile has no `.p`, and an index no group of zeros before it.
  return tilePath(tile) === path ? tile : undefined;
}

/** How many hashes a tree of that size has in a tile; 0 when it has none. */
export function widthIn(size: number, level: number, index: number): number {
  const hashes = Math.floor(size / 2 ** (TILE_HEIGHT * level));
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

/** The tiles, as a tree of that size has them, from which the hashes of ranges follow; each once. */
export function tilesOf(ranges: readonly Range[], size: number): TileId[] {
  const tiles = new Map<string, TileId>();
  for (const node of ranges.flatMap(nodesOf)) {
    const { level, index } = placeOf(node);
    const tile = { level, index, width: widthIn(size, level, index) };
    tiles.set(tilePath(tile), tile);
  }
  return [...tiles.values()];
}

/** The hash of each range. `hashesOf` answers a tile's hashes, at least those that the ranges need. */
export function rangeHashes(
  ranges: readonly Range[],
  hashesOf: (level: number, index: number) => readonly Uint8Array[],
): Uint8Array[] {
  return ranges.map((range) =>
    foldNodes(
      nodesOf(range).map((node) => {
        const { level, index, from, count } = placeOf(node);
        return joinPerfect(hashesOf(level, index).slice(from, from + count), count);
      }),
    ),
  );
}

/** The hash of a perfect subtree from `count` hashes below it, a power of two. */
export function joinPerfect(hashes: readonly Uint8Array[], count: number = hashes.length): Uint8Array {
  const [first] = hashes;
  if (first === undefined || hashes.length !== count) throw new RangeError("a tile has too few hashes");
  if (count === 1) return first;
  const middle = count / 2;
  return hashChildren(
    joinPerfect(hashes.slice(0, middle), middle),
    joinPerfect(hashes.slice(middle), middle),
  );
}

/** Which tile a perfect subtree is in, and which of its hashes are below it. */
function placeOf({ level, index }: TreeNode) {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level % TILE_HEIGHT);
  const begin = index * count;
  return { level: tileLevel, index: Math.floor(begin / TILE_WIDTH), from: begin % TILE_WIDTH, count };
}

/** A tile's hashes out of its bytes. Throws RangeError when they are not exactly so many. */
export function parseTile(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * HASH_BYTES)
    throw new RangeError(`a tile of ${width} hashes has ${bytes.length} bytes`);
  return Array.from({ length: width }, (_, at) => bytes.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

/** An entry bundle: each entry after its length as a big-endian uint16. */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > 0xffff) throw new RangeError("an entry has at most 65535 bytes");
    bytes.set([entry.length >> 8, entry.length & 0xff], at);
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}
