// Growing a tree by entries, from nothing but its right edge: of each level of
// tiles, the hashes of the one that is not full. The edge is at most 255 hashes
// a level, so appending costs the same however large the tree is.

import type { TreeHead } from "./checkpoint.ts";
import { foldNodes, nodesOf } from "./merkle.ts";
import { TILE_HEIGHT, TILE_WIDTH, joinPerfect } from "./tiles.ts";

/** By level; `edge[l]` has ⌊size / 256^l⌋ mod 256 hashes. */
export type TreeEdge = readonly (readonly Uint8Array[])[];

/** A hash that a full tile gives to the level above it. */
export type TileRoot = { readonly level: number; readonly index: number; readonly hash: Uint8Array };

export type Growth = TreeHead & { readonly tileRoots: readonly TileRoot[] };

/** Append leaf hashes to a tree of that size and edge. Throws RangeError when the edge is not that size's. */
export function growTree(size: number, edge: TreeEdge, leafHashes: readonly Uint8Array[]): Growth {
  const rows = Array.from({ length: levelsOf(size + leafHashes.length) }, (_, level) => [
    ...(edge[level] ?? []),
  ]);
  for (const [level, row] of rows.entries()) {
    if (row.length !== widthAtEdge(size, level))
      throw new RangeError(`the edge at level ${level} is not that of a tree of ${size}`);
  }
  const tileRoots: TileRoot[] = [];
  let grown = size;
  for (const leafHash of leafHashes) {
    let hash = leafHash;
    grown += 1;
    for (const [level, row] of rows.entries()) {
      row.push(hash);
      if (row.length < TILE_WIDTH) break;
      hash = joinPerfect(row);
      row.length = 0;
      tileRoots.push({ level: level + 1, index: grown / 2 ** (TILE_HEIGHT * (level + 1)) - 1, hash });
    }
  }
  return { size: grown, root: rootOf(rows), tileRoots };
}

/** The largest subtrees are at the highest level: the root joins them from the right. */
function rootOf(rows: readonly (readonly Uint8Array[])[]): Uint8Array {
  const subtrees = rows.toReversed().flatMap((row) =>
    nodesOf({ begin: 0, end: row.length }).map(({ level, index }) => {
      const count = 2 ** level;
      return joinPerfect(row.slice(index * count, (index + 1) * count));
    }),
  );
  return foldNodes(subtrees);
}

/** Levels of tiles that a tree of that size has, and one for what its fullest tile gives up. */
function levelsOf(size: number): number {
  let levels = 1;
  while (2 ** (TILE_HEIGHT * levels) <= size) levels += 1;
  return levels;
}

function widthAtEdge(size: number, level: number): number {
  return Math.floor(size / 2 ** (TILE_HEIGHT * level)) % TILE_WIDTH;
}
