import {
  PLACE_COLUMNS,
  placeOf,
  type NextPlace,
  type OfferedPlace,
  type PlaceRow,
} from "@openagents/authority";
import { statement, type Queryable, type Write } from "@openagents/postgres";
import type { Growth, TreeHead } from "@openagents/receipts";

/** A head, and how far the sequencer had come with it. */
export type LogHead = TreeHead & OfferedPlace;

const LAST_HEAD = statement(
  "transparency.last_head",
  `SELECT size, root, ${PLACE_COLUMNS} FROM transparency.heads ORDER BY size DESC LIMIT 1`,
);

type HeadRow = PlaceRow & { size: bigint; root: Buffer };

export async function getLastHead(q: Queryable): Promise<LogHead> {
  const [row] = await q.query<HeadRow>(LAST_HEAD);
  if (row === undefined) throw new Error("the log has no head, not even of the empty tree");
  return { size: Number(row.size), root: row.root, ...placeOf(row) };
}

const TRY_LOCK = statement(
  "transparency.try_lock",
  "SELECT pg_try_advisory_xact_lock(7277468117) AS acquired",
);

/** Whether this transaction is now the one that sequences; never waits. */
export async function tryLockLog(q: Queryable): Promise<boolean> {
  const [row] = await q.query<{ acquired: boolean }>(TRY_LOCK);
  return row?.acquired === true;
}

const EDGE = statement(
  "transparency.edge",
  `SELECT n.level, n.index, n.hash
     FROM unnest($1::smallint[], $2::bigint[]) AS edge (level, begin)
     JOIN transparency.nodes n ON n.level = edge.level AND n.index >= edge.begin
    ORDER BY n.level, n.index`,
);

/** Of each level of tiles from 1 on, the hashes from `begins` on. */
export async function listEdge(q: Queryable, begins: readonly number[]): Promise<Buffer[][]> {
  const levels = begins.map((_, at) => at + 1);
  const rows = await q.query<{ level: number; hash: Buffer }>(EDGE, [levels, begins]);
  return levels.map((level) => rows.filter((row) => row.level === level).map((row) => row.hash));
}

const ENTRIES = statement(
  "transparency.entries",
  "SELECT hash FROM transparency.entries WHERE index >= $1 AND index < $2 ORDER BY index",
);

/** Entries `begin` up to, not including, `end`. */
export async function listEntries(q: Queryable, begin: number, end: number): Promise<Buffer[]> {
  return (await q.query<{ hash: Buffer }>(ENTRIES, [begin, end])).map((row) => row.hash);
}

const NODES = statement(
  "transparency.nodes",
  "SELECT hash FROM transparency.nodes WHERE level = $1 AND index >= $2 AND index < $3 ORDER BY index",
);

/** Hashes of a level of tiles from 1 on. */
export async function listNodes(q: Queryable, level: number, begin: number, end: number): Promise<Buffer[]> {
  return (await q.query<{ hash: Buffer }>(NODES, [level, begin, end])).map((row) => row.hash);
}

const FIND_ENTRY = statement(
  "transparency.find_entry",
  `SELECT e.index, h.size, h.root
     FROM transparency.entries e
     JOIN LATERAL (SELECT size, root FROM transparency.heads WHERE size > e.index ORDER BY size LIMIT 1) h ON true
    WHERE e.hash = $1`,
);

export type FoundEntry = {
  readonly index: number;
  /** The first head that holds it. */
  readonly head: TreeHead;
};

/** Undefined when no entry has the hash. */
export async function findEntry(q: Queryable, hash: Uint8Array): Promise<FoundEntry | undefined> {
  const [row] = await q.query<{ index: bigint; size: bigint; root: Buffer }>(FIND_ENTRY, [hash]);
  if (row === undefined) return undefined;
  return { index: Number(row.index), head: { size: Number(row.size), root: row.root } };
}

const HAND_OVER = statement(
  "transparency.hand_over",
  `INSERT INTO transparency.handovers (hash, service, handed_over_at_ms)
   SELECT h.hash, $2, $3 FROM unnest($1::bytea[]) AS h (hash)
    WHERE NOT EXISTS (SELECT 1 FROM transparency.entries e WHERE e.hash = h.hash)
   ON CONFLICT DO NOTHING RETURNING 1 AS added`,
);

/** Offer hashes to the log; answers how many were not there. */
export async function insertHandovers(
  q: Queryable,
  hashes: readonly Buffer[],
  service: string,
  nowMs: number,
): Promise<number> {
  return (await q.query(HAND_OVER, [hashes, service, nowMs])).length;
}

export type HeadToStore = NextPlace & { readonly appendedAtMs: number };

/** What a pass of the sequencer writes: entries, the roots of tiles that they filled, the new head. */
export function growthWrites(
  from: number,
  hashes: readonly Buffer[],
  growth: Growth,
  head: HeadToStore,
): Write[] {
  const writes: Write[] = [
    {
      name: "transparency.insert_entries",
      text: `INSERT INTO transparency.entries (index, hash)
             SELECT $1::bigint + ordinality - 1, hash FROM unnest($2::bytea[]) WITH ORDINALITY AS u (hash, ordinality)`,
      values: [from, hashes],
    },
    {
      name: "transparency.insert_head",
      text: `INSERT INTO transparency.heads (size, root, seen, taking, after_xid, after_seq, appended_at_ms)
             VALUES ($1, $2, $3::text::pg_snapshot, $4::text::pg_snapshot, $5::text::xid8, $6::bigint, $7)`,
      values: [
        growth.size,
        growth.root,
        head.seen,
        head.after?.taking ?? null,
        head.after?.xid ?? null,
        head.after?.seq ?? null,
        head.appendedAtMs,
      ],
    },
  ];
  if (growth.tileRoots.length > 0) {
    writes.push({
      name: "transparency.insert_nodes",
      text: `INSERT INTO transparency.nodes (level, index, hash)
             SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])`,
      values: [
        growth.tileRoots.map(({ level }) => level),
        growth.tileRoots.map(({ index }) => index),
        growth.tileRoots.map(({ hash }) => hash),
      ],
    });
  }
  return writes;
}

const IDENTIFY = statement(
  "transparency.identify",
  "INSERT INTO transparency.identity (log_key) VALUES ($1) ON CONFLICT DO NOTHING",
);
const IDENTITY = statement("transparency.identity", "SELECT log_key FROM transparency.identity");

/** The key of this database's log: the given one where it had none. */
export async function claimIdentity(q: Queryable, logKey: string): Promise<string | undefined> {
  await q.query(IDENTIFY, [logKey]);
  return (await q.query<{ log_key: string }>(IDENTITY))[0]?.log_key;
}
