// The run receipt, `openagents.receipt.v2`: what a run came to. A pure function
// of the run and its events, so reading it twice gives the same bytes.

import { sealReceipt, type JsonObject, type Receipt } from "@openagents/receipts";
import type { Run, RunEvent } from "./run.ts";

/** `events` are those of `listReceiptEvents`: verifications and payments. */
export function runReceipt(run: Run, events: readonly RunEvent[]): Receipt {
  const payments = events.filter((event) => event.eventType.startsWith("payment."));
  const verifications = events.filter((event) => event.eventType === "verification.recorded");
  return sealReceipt({
    schema: "openagents.receipt.v2",
    nonce: run.nonce,
    occurred_at: new Date(run.updatedAtMs).toISOString(),
    actor: run.createdBy,
    tenant: run.org,
    run_id: run.runId,
    session_id: run.runId,
    status: run.status,
    created_at: new Date(run.createdAtMs).toISOString(),
    trajectory_hash: `sha256:${run.trajectoryHash}`,
    through_seq: Number(run.latestSeq),
    // What was verified and paid before is the first run's, and in its receipt.
    ...(run.fork === undefined ? {} : { forked_from: run.fork.fromRunId, fork_seq: Number(run.fork.seq) }),
    verifications: verifications.map(factsOf),
    payments: payments.map(factsOf),
    payments_msats_total: payments.reduce((sum, event) => sum + paidMsats(event.payload), 0),
  });
}

function factsOf(event: RunEvent): JsonObject {
  return { seq: Number(event.seq), ...event.payload };
}

/** What the buyer spent by one payment: for both runs, and the operator's fee for them. */
function paidMsats(payload: JsonObject): number {
  const parts = [payload["amount_msats"], payload["second_opinion_msats"], payload["operator_fee_msats"]];
  return parts.reduce<number>((sum, part) => sum + (typeof part === "number" ? part : 0), 0);
}
