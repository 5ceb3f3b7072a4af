// Hashes of receipts in the order in which they entered the database, from a place
// on: what commits later is found, also of a transaction that outlasts later ones.

import { statement, type Queryable } from "@openagents/postgres";

/** All that `seen` sees was taken, and of what `taking` sees, all up to `after`. */
export type OfferedPlace = {
  readonly seen: Snapshot;
  readonly taking: string | undefined;
  readonly afterXid: string;
  readonly afterSeq: bigint;
};

/** A snapshot of PostgreSQL: which transactions had ended. */
type Snapshot = {
  readonly text: string;
  /** Transactions from here on had not begun. */
  readonly xmax: string;
  /** Those before that still ran. */
  readonly running: readonly string[];
};

export type Offered = { readonly xid: string; readonly seq: bigint; readonly hash: Buffer };

/** A row of a table that keeps a place, in the columns that `transparency.heads` has for it. */
export type PlaceRow = {
  seen: string;
  xmax: string;
  running: string[];
  taking: string | null;
  after_xid: string;
  after_seq: bigint;
};

export const PLACE_COLUMNS = `seen::text AS seen, pg_snapshot_xmax(seen)::text AS xmax,
          ARRAY(SELECT pg_snapshot_xip(seen))::text[] AS running,
          taking::text AS taking, coalesce(after_xid, '0'::xid8)::text AS after_xid,
          coalesce(after_seq, 0) AS after_seq`;

export function placeOf(row: PlaceRow): OfferedPlace {
  return {
    seen: { text: row.seen, xmax: row.xmax, running: row.running },
    taking: row.taking ?? undefined,
    afterXid: row.after_xid,
    afterSeq: row.after_seq,
  };
}

/** Where it goes on once a page was taken. */
export type NextPlace = {
  readonly seen: string;
  readonly after: { readonly taking: string; readonly xid: string; readonly seq: bigint } | undefined;
};

export type OfferedTake = { readonly rows: readonly Offered[]; readonly next: NextPlace };

/** A page of `limit` at most, and the place after it; undefined when nothing is offered. Throws as `listOffered`. */
export async function takeOffered(
  q: Queryable,
  place: OfferedPlace,
  limit: number,
): Promise<OfferedTake | undefined> {
  // One more than the page takes tells whether the snapshot holds more.
  const { rows: found, taking } = await listOffered(q, place, limit + 1);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  if (last === undefined) return undefined;
  const more = found.length > limit;
  return {
    rows,
    next: {
      seen: more ? place.seen.text : taking,
      after: more ? { taking, xid: last.xid, seq: last.seq } : undefined,
    },
  };
}

/** Before every receipt and handover of a transaction. */
const LEAST_SEQ = -(2n ** 63n);

// A row is new when its transaction had not ended at `seen`: it is one of those
// that ran then, or a later one. Both parts walk an index from where it begins,
// and each row asks for its own hash: joined, all of the log might be read. Where
// to begin is asked for and not given, because a planner that knows the place may
// believe that hardly anything lies behind it, and sort a backlog of a million.
const OFFERED = statement(
  "transparency.offered",
  `WITH pass AS (
     SELECT coalesce($3::text::pg_snapshot, pg_current_snapshot()) AS taking,
            $4::text::xid8 AS after_xid, $5::bigint AS after_seq,
            greatest($1::text::xid8, $4::text::xid8) AS later_xid,
            CASE WHEN $4::text::xid8 >= $1::text::xid8 THEN $5::bigint ELSE ${LEAST_SEQ} END AS later_seq),
        fresh AS (
     (SELECT o.xid, o.seq, o.hash FROM transparency.offered o
       WHERE (o.xid, o.seq) > ((SELECT later_xid FROM pass), (SELECT later_seq FROM pass))
         AND pg_visible_in_snapshot(o.xid, (SELECT taking FROM pass))
         AND (SELECT e.index FROM transparency.entries e WHERE e.hash = o.hash) IS NULL
       ORDER BY o.xid, o.seq LIMIT $6)
     UNION ALL
     (SELECT o.xid, o.seq, o.hash FROM transparency.offered o
       WHERE o.xid = ANY ($2::text[]::xid8[])
         AND (o.xid, o.seq) > ((SELECT after_xid FROM pass), (SELECT after_seq FROM pass))
         AND pg_visible_in_snapshot(o.xid, (SELECT taking FROM pass))
         AND (SELECT e.index FROM transparency.entries e WHERE e.hash = o.hash) IS NULL
       ORDER BY o.xid, o.seq LIMIT $6))
   SELECT (SELECT taking FROM pass)::text AS taking,
          pg_snapshot_xmax(pg_current_snapshot()) < $1::text::xid8 AS went_back,
          xid::text AS xid, seq, hash
     FROM (SELECT 1) one LEFT JOIN fresh ON true
    ORDER BY fresh.xid, fresh.seq LIMIT $6`,
);

type OfferedRow = {
  taking: string;
  went_back: boolean;
  xid: string | null;
  seq: bigint | null;
  hash: Buffer | null;
};

type OfferedPage = {
  /** The snapshot whose rows these are. */
  readonly taking: string;
  readonly rows: readonly Offered[];
};

/**
 * What is to be taken next, in order, `limit` at most. Throws where the
 * database counts its transactions from an earlier point than the log saw:
 * asking what is new would miss what is.
 */
export async function listOffered(q: Queryable, place: OfferedPlace, limit: number): Promise<OfferedPage> {
  const page = await listAfter(q, place, limit);
  // What was left of a half-taken snapshot had been logged under another's hand.
  if (page.rows.length > 0 || place.taking === undefined) return page;
  return listAfter(q, { ...place, taking: undefined, afterXid: "0", afterSeq: 0n }, limit);
}

async function listAfter(q: Queryable, place: OfferedPlace, limit: number): Promise<OfferedPage> {
  const rows = await q.query<OfferedRow>(OFFERED, [
    place.seen.xmax,
    place.seen.running,
    place.taking ?? null,
    place.afterXid,
    place.afterSeq,
    limit,
  ]);
  const [first] = rows;
  if (first === undefined || first.went_back)
    throw new Error(
      "the database has been moved, and counts transactions anew; docs/adr/0019 says what to do",
    );
  return {
    taking: first.taking,
    rows: rows.flatMap(({ xid, seq, hash }) =>
      xid === null || seq === null || hash === null ? [] : [{ xid, seq, hash }],
    ),
  };
}
