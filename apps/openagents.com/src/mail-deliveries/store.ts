import type { MailDeliveryState } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";

export type MailDelivery = {
  readonly provider: string;
  readonly eventId: string;
  readonly state: MailDeliveryState;
  readonly messageId: string;
  readonly contentSha256: string;
  readonly occurredAtMs: number;
  readonly recordedAtMs: number;
};

type DeliveryRow = {
  provider: string;
  event_id: string;
  seq: bigint;
  state: MailDeliveryState;
  message_id: string;
  content_sha256: string;
  occurred_at_ms: bigint;
  recorded_at_ms: bigint;
};

const COLUMNS = "provider, event_id, state, message_id, content_sha256, occurred_at_ms, recorded_at_ms";

function deliveryOf(row: DeliveryRow): MailDelivery {
  return {
    provider: row.provider,
    eventId: row.event_id,
    state: row.state,
    messageId: row.message_id,
    contentSha256: row.content_sha256,
    occurredAtMs: Number(row.occurred_at_ms),
    recordedAtMs: Number(row.recorded_at_ms),
  };
}

// An event that is not there yet has no row to lock.
const LOCK = statement(
  "mail_deliveries.lock",
  "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 47))::text AS locked",
);

const FIND = statement(
  "mail_deliveries.find",
  `SELECT ${COLUMNS}, seq FROM control.mail_deliveries WHERE provider = $1 AND event_id = $2`,
);

/** The event, if it was recorded; until the transaction's end nobody else records it. */
export async function lockMailDelivery(
  tx: Tx,
  provider: string,
  eventId: string,
): Promise<MailDelivery | undefined> {
  await tx.query(LOCK, [provider, eventId]);
  const [row] = await tx.query<DeliveryRow>(FIND, [provider, eventId]);
  return row === undefined ? undefined : deliveryOf(row);
}

const LIST = statement(
  "mail_deliveries.list",
  `SELECT ${COLUMNS}, seq FROM control.mail_deliveries WHERE seq < $1 ORDER BY seq DESC LIMIT $2`,
);

export type ListedDelivery = { readonly seq: bigint; readonly delivery: MailDelivery };

/** Newest first. */
export async function listMailDeliveries(
  q: Queryable,
  beforeSeq: bigint,
  limit: number,
): Promise<ListedDelivery[]> {
  const rows = await q.query<DeliveryRow>(LIST, [beforeSeq, limit]);
  return rows.map((row) => ({ seq: row.seq, delivery: deliveryOf(row) }));
}

const FORGET = statement(
  "mail_deliveries.forget",
  "DELETE FROM control.mail_deliveries WHERE recorded_at_ms < $1",
);

/** A provider tells an event again for days, not for months: what is older than that is no repeat. */
const KEPT_MS = 90 * 86_400_000;

export async function forgetMailDeliveries(q: Queryable, nowMs: number): Promise<void> {
  await q.query(FORGET, [nowMs - KEPT_MS]);
}

export function insertMailDelivery(delivery: MailDelivery): Write {
  return {
    name: "mail_deliveries.insert",
    text: `INSERT INTO control.mail_deliveries (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    values: [
      delivery.provider,
      delivery.eventId,
      delivery.state,
      delivery.messageId,
      delivery.contentSha256,
      delivery.occurredAtMs,
      delivery.recordedAtMs,
    ],
  };
}
