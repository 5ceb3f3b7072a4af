// What the log publishes: heads that it signs, tiles, and proofs. A head is a
// function of the entries before it and its signature one of the head, so that
// whatever is answered here is answered alike for ever.

import type { LogInclusion } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import {
  TILE_WIDTH,
  encodeEntries,
  formatNoteKey,
  hashLeaf,
  inclusionRanges,
  noteKeyOf,
  parseTilePath,
  rangeHashes,
  signCheckpoint,
  tilesOf,
  widthIn,
  type TileId,
} from "@openagents/receipts";
import { claimIdentity, findEntry, getLastHead, listEntries, listNodes } from "./store.ts";

export type PublishedLogDeps = {
  readonly db: Queryable;
  /** Names the log: first line of its checkpoints, and name of its key. */
  readonly origin: string;
  /** Ed25519, 32 bytes in hex; never logged or answered. */
  readonly signingKey: string;
};

export type PublishedLog = {
  readonly origin: string;
  /** The log's key as signed notes publish theirs. */
  readonly logKey: string;
  /** The last committed head, signed. */
  checkpoint(): Promise<string>;
  /** The tile of a path; undefined when the log has no such tile or not so wide a one. */
  tile(path: string): Promise<Uint8Array | undefined>;
  /** Where a hash is in the log; undefined when it is not. */
  inclusionOf(hash: string): Promise<LogInclusion | undefined>;
};

/** Proofs kept, so that reading the same receipts again is cheap. */
const CACHE_ENTRIES_MAX = 10_000;

/** Throws when the database's log has another key: signing with this one would begin a second log on its entries. */
export async function publishLog({ db, origin, signingKey }: PublishedLogDeps): Promise<PublishedLog> {
  const logKey = formatNoteKey(noteKeyOf(origin, signingKey));
  const ownKey = await claimIdentity(db, logKey);
  if (ownKey !== logKey)
    throw new Error(
      `the log of this database is signed by ${ownKey}, not by ${logKey}; restore its key and name`,
    );
  const cache = new Map<string, LogInclusion>();

  const prove = async (hash: string): Promise<LogInclusion | undefined> => {
    const found = await findEntry(db, Buffer.from(hash, "hex"));
    if (found === undefined) return undefined;
    const { index, head } = found;
    const ranges = inclusionRanges(index, head.size);
    const tiles = await Promise.all(
      tilesOf(ranges, head.size).map(
        async (tile) => [`${tile.level}/${tile.index}`, await hashesOf(db, tile)] as const,
      ),
    );
    const read = new Map(tiles);
    const hashes = rangeHashes(ranges, (level, tile) => read.get(`${level}/${tile}`) ?? []);
    return {
      logIndex: BigInt(index),
      hashes: hashes.map((each) => Buffer.from(each).toString("hex")),
      checkpoint: signCheckpoint(head, origin, signingKey),
      logKey,
    };
  };

  return {
    origin,
    logKey,
    async checkpoint() {
      return signCheckpoint(await getLastHead(db), origin, signingKey);
    },
    async tile(path) {
      const tile = parseTilePath(`tile/${path}`);
      if (tile === undefined) return undefined;
      const { size } = await getLastHead(db);
      if (tile.width > widthIn(size, tile.level === "entries" ? 0 : tile.level, tile.index)) return undefined;
      if (tile.level !== "entries") return Buffer.concat(await hashesOf(db, tile));
      const begin = tile.index * TILE_WIDTH;
      return encodeEntries(await listEntries(db, begin, begin + tile.width));
    },
    async inclusionOf(hash) {
      const known = cache.get(hash) ?? (await prove(hash));
      if (known === undefined) return undefined;
      if (cache.size >= CACHE_ENTRIES_MAX) cache.clear();
      cache.set(hash, known);
      return known;
    },
  };
}

async function hashesOf(db: Queryable, { level, index, width }: TileId): Promise<Uint8Array[]> {
  const begin = index * TILE_WIDTH;
  const end = begin + width;
  if (level === 0 || level === "entries") return (await listEntries(db, begin, end)).map(hashLeaf);
  return listNodes(db, level, begin, end);
}
