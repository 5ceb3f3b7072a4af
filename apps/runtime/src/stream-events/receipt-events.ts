// Which streams a receipt appears in. Pure. Whoever changes a worker or moves
// money seals a receipt, so nothing of either is missing in its stream.

import { draftOf, type StreamEventDraft, type Streams } from "@openagents/authority";
import type { ReceiptSchema } from "@openagents/receipts";
import { hashPayload, payloadTextOf, streamId } from "@openagents/streams";

type SealedReceipt = Parameters<Streams["ofReceipt"]>[0];

const OF_WORKERS: ReadonlySet<string> = new Set<ReceiptSchema>([
  "openagents.runtime.worker_registered.v1",
  "openagents.runtime.worker_disabled.v1",
  "openagents.runtime.worker_struck.v1",
  "openagents.runtime.worker_reinstated.v1",
]);

const OF_MONEY: ReadonlySet<string> = new Set<ReceiptSchema>([
  "openagents.treasury.budget_reserved.v1",
  "openagents.treasury.reservation_voided.v1",
  "openagents.treasury.reservation_expired.v1",
  "openagents.treasury.payment_receipt.v2",
  "openagents.treasury.demo_grant.v1",
  "openagents.treasury.spend_refused.v1",
  "openagents.treasury.budget_set.v1",
  "openagents.treasury.budget_removed.v1",
]);

/** The event's kind is the receipt's schema, and its payload the receipt. */
export function receiptEvents(sealed: SealedReceipt): StreamEventDraft[] {
  const streams = streamsOf(sealed);
  if (streams.length === 0) return [];
  const payload = payloadTextOf(sealed.schema, sealed.occurredAtMs, sealed.canonical);
  const payloadHash = hashPayload(payload);
  return streams.map(({ id, tenant }) => draftOf(id, tenant, payload, payloadHash, sealed.occurredAtMs));
}

type StreamOf = { readonly id: string; readonly tenant: string };

function streamsOf({ schema, tenant, subject, receipt }: SealedReceipt): StreamOf[] {
  if (OF_MONEY.has(schema)) return [{ id: streamId("treasury", tenant), tenant }];
  if (!OF_WORKERS.has(schema)) return [];
  const owner = receipt["owner"];
  const ofWorker = { id: streamId("worker", subject), tenant };
  // A person's own: they may have workers in more than one organisation.
  return typeof owner === "string"
    ? [ofWorker, { id: streamId("fleet_user", owner), tenant: owner }]
    : [ofWorker];
}
