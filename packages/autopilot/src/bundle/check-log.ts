// Receipts, run receipt and log tell one story: the run receipt is the one that
// this log gives, every receipt that the log names is here with the same facts,
// and no receipt is here that the log does not name. Pure.

import { canonicalize, payloadHash, type JsonObject } from "@openagents/receipts";
import type { Problems } from "./claims.ts";
import { numberOf, textOf } from "./json-view.ts";
import { paidMsats } from "./paid-msats.ts";
import type { Replay, ReplayEvent } from "./replay.ts";
import { storyOf, type ReceiptsById } from "./story.ts";

/** First words of the event types that only the runtime's own commands write. */
const RUNTIME_WORDS: ReadonlySet<string> = new Set([
  "budget",
  "job",
  "payment",
  "quote",
  "receipt",
  "verification",
]);

/** Other types that name a receipt, when it was the runtime's own command that wrote them. */
const NAMING_TYPES: ReadonlySet<string> = new Set([
  "export.requested",
  "forge.skipped",
  "forge.updated",
  "run.cancel_requested",
  "run.forked",
]);

/** Events of the runtime's own that no receipt is about; what follows from them names its own. */
const UNNAMING_TYPES: ReadonlySet<string> = new Set(["job.lease_lapsed"]);

/**
 * Receipts that no event names: the first event tells of the run itself, a
 * refusal changed nothing, and an incident is the operator's affair.
 */
const UNNAMED_SCHEMAS: ReadonlySet<string> = new Set([
  "openagents.runtime.run_created.v1",
  "openagents.treasury.spend_refused.v1",
  "openagents.fraud.incident.v1",
  "openagents.fraud.incident_decided.v1",
  "openagents.runtime.worker_struck.v1",
]);

export function checkLog(
  replay: Replay,
  runReceipt: JsonObject,
  receipts: ReceiptsById,
  problems: Problems,
): string {
  const factsOf = (event: ReplayEvent) => ({ seq: event.seq, ...event.payload });
  const verifications = replay.events
    .filter((event) => event.eventType === "verification.recorded")
    .map(factsOf);
  const payments = replay.events.filter((event) => event.eventType.startsWith("payment.")).map(factsOf);
  const total = payments.reduce((sum, payment) => sum + paidMsats(payment), 0);
  problems.same("the session", textOf(runReceipt, "session_id"), replay.sessionId);
  problems.same("the status", textOf(runReceipt, "status"), replay.status);
  problems.same("the creation time", textOf(runReceipt, "created_at"), replay.createdAt);
  problems.same("the time of the end", textOf(runReceipt, "occurred_at"), replay.endedAt);
  problems.same("the number of events", numberOf(runReceipt, "through_seq"), replay.throughSeq);
  problems.same("the trajectory hash", textOf(runReceipt, "trajectory_hash"), replay.trajectoryHash);
  problems.same(
    "the list of verifications",
    canonicalize(runReceipt["verifications"] ?? null),
    canonicalize(verifications),
  );
  problems.same("the list of payments", canonicalize(runReceipt["payments"] ?? null), canonicalize(payments));
  problems.same("the total of payments", numberOf(runReceipt, "payments_msats_total"), total);

  const named = new Set<string>();
  for (const event of replay.events) {
    const [word = ""] = event.eventType.split(".", 1);
    const names = textOf(event.payload, "receipt_id") !== "";
    const mayName = NAMING_TYPES.has(event.eventType) || UNNAMING_TYPES.has(event.eventType);
    if (mayName ? names : RUNTIME_WORDS.has(word)) checkNamedReceipt(event, receipts, named, problems);
  }
  const { attempts, adjudications } = storyOf(receipts);
  for (const [id, receipt] of receipts) {
    const schema = textOf(receipt, "schema");
    if (!UNNAMED_SCHEMAS.has(schema) && !adjudications.has(id) && !named.has(id))
      problems.add(`no event of the log names receipt ${id}`);
    if (schema === "openagents.runtime.run_created.v1") {
      const [first] = replay.events;
      const hash = first === undefined ? "" : payloadHash(first.payload);
      problems.same("the run's first event", textOf(receipt, "first_event_payload_hash"), hash);
    }
  }
  const bought = replay.events
    .filter(
      ({ eventType, payload }) => eventType === "job.dispatched" && textOf(payload, "purpose") === "work",
    )
    .map(({ payload }) => textOf(payload, "job_id"));
  const told = attempts.map(({ dispatch }) => textOf(dispatch, "job_id"));
  problems.same("the order of the jobs", bought.join(" ") || "none", told.join(" ") || "none");
  return `${replay.throughSeq} events and ${receipts.size} receipts tell the same`;
}

function checkNamedReceipt(
  event: ReplayEvent,
  receipts: ReceiptsById,
  named: Set<string>,
  problems: Problems,
): void {
  const { receipt_id: _, ...facts } = event.payload;
  const id = textOf(event.payload, "receipt_id");
  const receipt = receipts.get(id);
  if (receipt === undefined) {
    problems.add(`event ${event.seq} names receipt ${id || "nothing"}, which is missing`);
    return;
  }
  named.add(id);
  for (const [name, value] of Object.entries(facts)) {
    if (canonicalize(receipt[name] ?? null) !== canonicalize(value)) {
      problems.add(`event ${event.seq} and receipt ${id} differ in ${name}`);
    }
  }
}
