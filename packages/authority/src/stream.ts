// Events of streams, written in the transaction of the command that they tell
// of (spec 5.1). The head's row is locked until the commit, so the numbers of a
// stream become visible in order and without a gap.

import type { RowsWrite, Write } from "@openagents/postgres";

export type StreamEventDraft = {
  readonly streamId: string;
  /** Whose the stream is; the same for all events of one. */
  readonly tenant: string;
  /** How many of the newest events of the stream are kept; undefined: all, for ever. */
  readonly keepNewest: number | undefined;
  /** `sha256:` and 64 hex digits. */
  readonly payloadHash: string;
  /** Canonical JSON. */
  readonly payload: string;
  readonly committedAtMs: number;
};

const STREAM_WRITE = "authority.insert_stream_events";

/** Append to streams, in the order in which they are given. */
export function streamEventsWrite(drafts: readonly StreamEventDraft[]): RowsWrite {
  return {
    name: STREAM_WRITE,
    text: `INSERT INTO sync.stream_events (stream_id, seq, payload_hash, payload, committed_at_ms)
           SELECT d.stream_id,
                  h.last_seq - count(*) OVER (PARTITION BY d.stream_id)
                    + row_number() OVER (PARTITION BY d.stream_id ORDER BY d.position),
                  d.payload_hash, d.payload, d.committed_at_ms
             FROM unnest($1::text[], $4::text[], $5::text[], $6::bigint[])
                    WITH ORDINALITY AS d (stream_id, payload_hash, payload, committed_at_ms, position)
             JOIN sync.advance_heads($1, $2::text[], $3::integer[], $6) AS h USING (stream_id)`,
    rows: true,
    values: [
      drafts.map((each) => each.streamId),
      drafts.map((each) => each.tenant),
      drafts.map((each) => each.keepNewest ?? null),
      drafts.map((each) => each.payloadHash),
      drafts.map((each) => each.payload),
      drafts.map((each) => each.committedAtMs),
    ],
  };
}

export function isStreamWrite(write: Write): boolean {
  return write.name === STREAM_WRITE;
}

/** Which streams a write of `streamEventsWrite` appends to. */
export function streamIdsOf(write: Write): string[] {
  const [ids] = write.values;
  return Array.isArray(ids) ? ids.map(String) : [];
}
