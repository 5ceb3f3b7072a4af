import { statement, type Queryable } from "@openagents/postgres";
import type { StreamEvent } from "@openagents/streams";

const LIST_BEHIND = statement(
  "mirror.list_behind",
  `SELECT h.stream_id, coalesce(c.mirrored_seq, 0) AS mirrored_seq, h.head_seq
     FROM (SELECT stream_id, head_seq FROM sync.stream_heads
            WHERE stream_id > $1 ORDER BY stream_id LIMIT $2) AS h
     LEFT JOIN runtime.mirror_cursors c USING (stream_id)
    ORDER BY h.stream_id`,
);

export type Progress = { readonly streamId: string; readonly mirroredSeq: bigint; readonly headSeq: bigint };

type ProgressRow = { stream_id: string; mirrored_seq: bigint; head_seq: bigint };

function progressOf(row: ProgressRow): Progress {
  return { streamId: row.stream_id, mirroredSeq: row.mirrored_seq, headSeq: row.head_seq };
}

/** The next streams by name, and how far each was handed over. */
export async function listProgress(q: Queryable, afterStreamId: string, limit: number): Promise<Progress[]> {
  return (await q.query<ProgressRow>(LIST_BEHIND, [afterStreamId, limit])).map(progressOf);
}

const FIND_PROGRESS = statement(
  "mirror.find_progress",
  `SELECT h.stream_id, coalesce(c.mirrored_seq, 0) AS mirrored_seq, h.head_seq
     FROM sync.stream_heads h LEFT JOIN runtime.mirror_cursors c USING (stream_id)
    WHERE h.stream_id = ANY($1)`,
);

/** Of the named streams that have events. */
export async function findProgress(q: Queryable, streamIds: readonly string[]): Promise<Progress[]> {
  return (await q.query<ProgressRow>(FIND_PROGRESS, [streamIds])).map(progressOf);
}

const LIST_EVENTS = statement(
  "mirror.list_events",
  `SELECT seq, payload_hash, payload, committed_at_ms FROM sync.stream_events
    WHERE stream_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
);

export async function listEventsAfter(
  q: Queryable,
  streamId: string,
  afterSeq: bigint,
  limit: number,
): Promise<StreamEvent[]> {
  type Row = { seq: bigint; payload_hash: string; payload: string; committed_at_ms: bigint };
  const rows = await q.query<Row>(LIST_EVENTS, [streamId, afterSeq, limit]);
  return rows.map((row) => ({
    streamId,
    seq: row.seq,
    payloadHash: row.payload_hash,
    payload: row.payload,
    committedAtMs: Number(row.committed_at_ms),
  }));
}

const SET_CURSOR = statement(
  "mirror.set_cursor",
  `INSERT INTO runtime.mirror_cursors AS c (stream_id, mirrored_seq, updated_at_ms) VALUES ($1, $2, $3)
   ON CONFLICT (stream_id) DO UPDATE SET mirrored_seq = excluded.mirrored_seq, updated_at_ms = excluded.updated_at_ms`,
);

export async function setCursor(q: Queryable, streamId: string, seq: bigint, nowMs: number): Promise<void> {
  await q.query(SET_CURSOR, [streamId, seq, nowMs]);
}
