// The events that a query begins with, or answers: all of them, or a refusal.

import type { Query } from "../protocol/index.ts";
import { eventRow } from "./rows.ts";
import { SEQ_MAX, type StreamHead, type StreamStore } from "./stream-store.ts";
import { SyncRefusal, staleCursor } from "./sync-refusal.ts";

export type EventsQuery = Extract<Query, { table: "sync_event" }>;

/** Rows of one read, so that no single one takes long. */
const PAGE = 2_000;

/**
 * Refuses a cursor below what is kept or above the head, and what does not fit
 * into one answer. Pure.
 */
export function checkReplay(query: EventsQuery, head: StreamHead | undefined, rowsMax: number): void {
  const { streamId, afterSeq } = query;
  const headSeq = head?.headSeq ?? 0n;
  const floorSeq = head?.floorSeq ?? 0n;
  if (afterSeq < floorSeq || afterSeq > headSeq) throw staleCursor(streamId, afterSeq, floorSeq, headSeq);
  const throughSeq = min(query.throughSeq ?? headSeq, headSeq);
  if (throughSeq - afterSeq > BigInt(rowsMax)) throw replayBudgetExceeded(streamId, rowsMax);
}

/** The rows of a query in order. Throws `SyncRefusal` for more bytes than `bytesMax`. */
export async function readEvents(
  store: Pick<StreamStore, "listEvents">,
  query: EventsQuery,
  rowsMax: number,
  bytesMax: number,
): Promise<{ readonly rows: readonly Uint8Array[]; readonly lastSeq: bigint }> {
  const rows: Uint8Array[] = [];
  let lastSeq = query.afterSeq;
  let bytes = 0;
  for (;;) {
    const page = await store.listEvents(query.streamId, lastSeq, query.throughSeq ?? SEQ_MAX, PAGE);
    for (const event of page) {
      // Trimmed since the head was read: what is missing must not pass for delivered.
      if (event.seq !== lastSeq + 1n) {
        throw staleCursor(query.streamId, query.afterSeq, event.seq - 1n, event.seq);
      }
      const row = eventRow(query.streamId, event);
      rows.push(row);
      bytes += row.length;
      lastSeq = event.seq;
    }
    if (rows.length > rowsMax || bytes > bytesMax) throw replayBudgetExceeded(query.streamId, rowsMax);
    if (page.length < PAGE) return { rows, lastSeq };
  }
}

function replayBudgetExceeded(streamId: string, rowsMax: number): SyncRefusal {
  return new SyncRefusal(
    "replay_budget_exceeded",
    `${streamId} has more behind that number than one answer holds (${rowsMax} rows); read pages with AND seq <= M first`,
  );
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
