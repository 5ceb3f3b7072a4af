import type { DeliveryState } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { DeliveryEvent } from "./delivery-event.ts";

type EventRow = {
  org: string;
  provider: string;
  event_id: string;
  seq: bigint;
  delivery_state: DeliveryState;
  message_id: string | null;
  content_sha256: string;
  receipt_id: string;
  recorded_at_ms: bigint;
};

const COLUMNS = `org, provider, event_id, delivery_state, message_id, content_sha256, receipt_id, recorded_at_ms`;

function eventOf(row: EventRow): DeliveryEvent {
  return {
    org: row.org,
    provider: row.provider,
    eventId: row.event_id,
    deliveryState: row.delivery_state,
    messageId: row.message_id ?? undefined,
    contentSha256: row.content_sha256,
    receiptId: row.receipt_id,
    recordedAtMs: Number(row.recorded_at_ms),
  };
}

const LOCK_ID = statement(
  "delivery_events.lock_id",
  "SELECT pg_advisory_xact_lock(hashtextextended($1, 32))::text AS locked",
);

const FIND = statement(
  "delivery_events.find",
  `SELECT ${COLUMNS}, seq FROM runtime.delivery_events WHERE org = $1 AND provider = $2 AND event_id = $3`,
);

export type EventName = Pick<DeliveryEvent, "org" | "provider" | "eventId">;

/** The event of a name, if it was recorded; until the transaction's end nobody else records it. */
export async function lockDeliveryEvent(tx: Tx, name: EventName): Promise<DeliveryEvent | undefined> {
  const values = [name.org, name.provider, name.eventId];
  const locking = tx.query(LOCK_ID, [JSON.stringify(values)]);
  const [, [row]] = await Promise.all([locking, tx.query<EventRow>(FIND, values)]);
  return row === undefined ? undefined : eventOf(row);
}

const LIST = statement(
  "delivery_events.list",
  `SELECT ${COLUMNS}, seq FROM runtime.delivery_events WHERE org = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`,
);

const LIST_OF_MESSAGE = statement(
  "delivery_events.list_of_message",
  `SELECT ${COLUMNS}, seq FROM runtime.delivery_events
    WHERE org = $1 AND message_id = $4 AND seq < $2 ORDER BY seq DESC LIMIT $3`,
);

export type ListedEvent = { readonly seq: bigint; readonly event: DeliveryEvent };

/** Newest first. */
export async function listDeliveryEvents(
  q: Queryable,
  org: string,
  page: { readonly beforeSeq: bigint; readonly limit: number; readonly messageId: string | undefined },
): Promise<ListedEvent[]> {
  const values = [org, page.beforeSeq, page.limit];
  const rows =
    page.messageId === undefined
      ? await q.query<EventRow>(LIST, values)
      : await q.query<EventRow>(LIST_OF_MESSAGE, [...values, page.messageId]);
  return rows.map((row) => ({ seq: row.seq, event: eventOf(row) }));
}

export function insertDeliveryEvent(event: DeliveryEvent): Write {
  return {
    name: "delivery_events.insert",
    text: `INSERT INTO runtime.delivery_events (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      event.org,
      event.provider,
      event.eventId,
      event.deliveryState,
      event.messageId ?? null,
      event.contentSha256,
      event.receiptId,
      event.recordedAtMs,
    ],
  };
}
