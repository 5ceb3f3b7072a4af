// Why a query is not served. The text that a client gets begins with the code.

/** In order of precedence: a query that fails several checks reports the first. */
export type SyncRefusalCode =
  | "bad_query"
  | "missing_scope"
  | "too_many_queries"
  | "forbidden_stream"
  | "forbidden_rows"
  /** The cursor is not between what is kept and the head: begin again from a snapshot. */
  | "stale_cursor"
  /** More rows than one answer holds: ask for pages with `seq <= M`. */
  | "replay_budget_exceeded"
  | "unavailable";

export class SyncRefusal extends Error {
  override readonly name = "SyncRefusal";
  readonly code: SyncRefusalCode;

  /** What happened and what to do next; for a stale cursor its place, as JSON. */
  constructor(code: SyncRefusalCode, detail: string) {
    super(`${code} ${detail}`);
    this.code = code;
  }
}

export function forbiddenStream(streamId: string): SyncRefusal {
  return new SyncRefusal(
    "forbidden_stream",
    `the token grants no ${streamId}; ask for it in POST /api/sync/token`,
  );
}

/** The numbers travel as JSON, because the client begins again from them. */
export function staleCursor(streamId: string, cursor: bigint, floor: bigint, head: bigint): SyncRefusal {
  const place = {
    stream_id: streamId,
    requested_watermark: Number(cursor),
    retention_floor: Number(floor),
    head: Number(head),
  };
  return new SyncRefusal("stale_cursor", JSON.stringify(place));
}
