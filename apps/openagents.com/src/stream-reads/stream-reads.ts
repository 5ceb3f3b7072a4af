// The events of a stream as they are stored, for readers who were found to own it.

import type { Follower } from "@openagents/authority";
import { ProblemError, type JsonObject } from "@openagents/contracts";
import { statement, type Queryable } from "@openagents/postgres";

export type StreamHead = { readonly headSeq: bigint; readonly floorSeq: bigint };

export type StoredEvent = {
  readonly seq: bigint;
  readonly kind: string;
  readonly payload: JsonObject;
  readonly occurredAtMs: number;
};

const HEAD = statement(
  "stream_reads.head",
  "SELECT head_seq, floor_seq FROM sync.stream_heads WHERE stream_id = $1",
);

/** A stream that has no event yet has a head of 0. */
export async function findHead(q: Queryable, streamId: string): Promise<StreamHead> {
  const [row] = await q.query<{ head_seq: bigint; floor_seq: bigint }>(HEAD, [streamId]);
  return { headSeq: row?.head_seq ?? 0n, floorSeq: row?.floor_seq ?? 0n };
}

const LIST = statement(
  "stream_reads.list",
  "SELECT seq, payload FROM sync.stream_events WHERE stream_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
);

export async function listEvents(
  q: Queryable,
  streamId: string,
  afterSeq: bigint,
  limit: number,
): Promise<StoredEvent[]> {
  const rows = await q.query<{ seq: bigint; payload: string }>(LIST, [streamId, afterSeq, limit]);
  return rows.map(({ seq, payload }) => {
    const event = JSON.parse(payload) as { kind: string; occurred_at: string; payload: JsonObject };
    return { seq, kind: event.kind, payload: event.payload, occurredAtMs: Date.parse(event.occurred_at) };
  });
}

/** 410 for events that are not kept any more. */
export function staleCursor(streamId: string, { floorSeq }: StreamHead, asked: bigint): ProblemError {
  return new ProblemError({
    status: 410,
    code: "stale_cursor",
    detail: `Events of ${streamId} are kept from ${floorSeq + 1n} on, and what follows ${asked} is not there any more. Read what is there now, and go on behind its newest event.`,
  });
}

const PAGE = 200;

/** Whoever shows that it lives at least so often is not taken for dead. */
const QUIET_MS = 15_000;

/** The token that opened it ends, too; a client goes on behind the last event that it has. */
const LASTS_MS = 300_000;

/** Events as they come; undefined now and then while there are none. */
export async function* followStream(
  deps: { readonly q: Queryable; readonly follower: Follower; readonly nowMs: () => number },
  streamId: string,
  afterSeq: bigint,
  signal: AbortSignal,
): AsyncGenerator<StoredEvent | undefined> {
  const { q, follower, nowMs } = deps;
  const endsAtMs = nowMs() + LASTS_MS;
  let told = afterSeq;
  let quietSinceMs = nowMs();
  while (!signal.aborted && !follower.closed && nowMs() < endsAtMs) {
    const changed = follower.mayHaveChanged(streamId);
    const page = await listEvents(q, streamId, told, PAGE);
    for (const event of page) {
      told = event.seq;
      yield event;
    }
    if (page.length > 0) quietSinceMs = nowMs();
    if (page.length === PAGE) continue;
    await changed;
    if (nowMs() - quietSinceMs >= QUIET_MS) {
      quietSinceMs = nowMs();
      yield undefined;
    }
  }
}
