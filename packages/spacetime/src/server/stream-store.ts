// Reads the streams of the authority. Every statement is an index read, bounded.

import { statement, type Database } from "@openagents/postgres";

export type StreamHead = {
  readonly streamId: string;
  /** Whose it is. */
  readonly tenant: string;
  readonly headSeq: bigint;
  /** Events up to and with this one are not kept any more. */
  readonly floorSeq: bigint;
  readonly updatedAtMs: bigint;
};

export type StoredEvent = {
  readonly seq: bigint;
  readonly payloadHash: string;
  readonly payload: string;
  readonly committedAtMs: bigint;
};

const COLUMNS = `e.seq, e.payload_hash AS "payloadHash", e.payload, e.committed_at_ms AS "committedAtMs"`;

const HEADS = statement(
  "sync.heads",
  `SELECT stream_id AS "streamId", tenant, head_seq AS "headSeq", floor_seq AS "floorSeq",
          updated_at_ms AS "updatedAtMs"
     FROM sync.stream_heads WHERE stream_id = ANY($1::text[])`,
);

export function listHeads(db: Database, streamIds: readonly string[]): Promise<StreamHead[]> {
  return db.query<StreamHead>(HEADS, [streamIds]);
}

const EVENTS = statement(
  "sync.events",
  `SELECT ${COLUMNS} FROM sync.stream_events e
    WHERE e.stream_id = $1 AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq LIMIT $4`,
);

/** The largest number of the store. */
export const SEQ_MAX = (1n << 63n) - 1n;

/** Events behind `afterSeq` up to and with `throughSeq`, in order, `limit` at most. */
export function listEvents(
  db: Database,
  streamId: string,
  afterSeq: bigint,
  throughSeq: bigint,
  limit: number,
): Promise<StoredEvent[]> {
  return db.query<StoredEvent>(EVENTS, [streamId, afterSeq, throughSeq, limit]);
}

const EVENTS_OF_ALL = statement(
  "sync.events_of_all",
  `SELECT w.stream_id AS "streamId", ${COLUMNS}
     FROM unnest($1::text[], $2::bigint[]) AS w (stream_id, after_seq)
    CROSS JOIN LATERAL (
      SELECT * FROM sync.stream_events s
       WHERE s.stream_id = w.stream_id AND s.seq > w.after_seq ORDER BY s.seq LIMIT $3
    ) e
    ORDER BY w.stream_id, e.seq`,
);

/** As `listEvents`, of many streams in one read; `limit` at most of each. */
export function listEventsOfAll(
  db: Database,
  after: readonly { readonly streamId: string; readonly seq: bigint }[],
  limit: number,
): Promise<(StoredEvent & { readonly streamId: string })[]> {
  const ids = after.map(({ streamId }) => streamId);
  const seqs = after.map(({ seq }) => seq);
  return db.query<StoredEvent & { readonly streamId: string }>(EVENTS_OF_ALL, [ids, seqs, limit]);
}

const NEWEST_EVENTS = statement(
  "sync.newest_events",
  `SELECT ${COLUMNS} FROM sync.stream_events e
    WHERE e.stream_id = $1 AND e.seq <= $2 ORDER BY e.seq DESC LIMIT $3`,
);

/** Events up to and with `throughSeq`, newest first. */
export function listNewestEvents(
  db: Database,
  streamId: string,
  throughSeq: bigint,
  limit: number,
): Promise<StoredEvent[]> {
  return db.query<StoredEvent>(NEWEST_EVENTS, [streamId, throughSeq, limit]);
}
