// SQL of the stream `control.revocations`.

import { statement, type Queryable } from "@openagents/postgres";
import { REVOCATION_KEPT_MS, type Revocation } from "@openagents/service";
import { streamId } from "@openagents/streams";

export type StoredRevocation = Revocation & { readonly seq: bigint };

const STREAM = streamId("revocations");

const LIST = statement(
  "revocations.list",
  `SELECT seq, payload, committed_at_ms FROM sync.stream_events
    WHERE stream_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
);

const LIST_BACKWARDS = statement(
  "revocations.list_backwards",
  `SELECT seq, payload, committed_at_ms FROM sync.stream_events
    WHERE stream_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`,
);

type EventRow = { seq: bigint; payload: string; committed_at_ms: bigint };

const SEQ_MAX = 2n ** 63n - 1n;
const PAGE = 500;

/** In order, behind a number. */
export async function listRevocations(
  q: Queryable,
  afterSeq: bigint,
  limit: number,
): Promise<StoredRevocation[]> {
  const rows = await q.query<EventRow>(LIST, [STREAM, afterSeq, limit]);
  return rows.map(revocationOf);
}

/**
 * All that a token which still lives could be hit by, and the newest number.
 * Walks backwards, so that it costs what was taken back lately and not ever.
 */
export async function listRecent(
  q: Queryable,
  nowMs: number,
): Promise<{ readonly revocations: readonly StoredRevocation[]; readonly throughSeq: bigint }> {
  const recent: StoredRevocation[] = [];
  let before = SEQ_MAX;
  let throughSeq = 0n;
  for (;;) {
    const page = (await q.query<EventRow>(LIST_BACKWARDS, [STREAM, before, PAGE])).map(revocationOf);
    throughSeq = throughSeq === 0n ? (page[0]?.seq ?? 0n) : throughSeq;
    const live = page.filter(({ revokedAtMs }) => revokedAtMs >= nowMs - REVOCATION_KEPT_MS);
    recent.push(...live);
    const last = page.at(-1);
    if (last === undefined || live.length < page.length || page.length < PAGE) break;
    before = last.seq;
  }
  return { revocations: recent.reverse(), throughSeq };
}

function revocationOf(row: EventRow): StoredRevocation {
  // Written by `revoke`, and by nobody else.
  const { payload } = JSON.parse(row.payload) as { payload: Pick<Revocation, "by" | "value"> };
  return { seq: row.seq, by: payload.by, value: payload.value, revokedAtMs: Number(row.committed_at_ms) };
}
