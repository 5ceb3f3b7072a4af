import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "@openagents/receipts";
import { applyEvent, emptySummary, summaryHash } from "./summary.ts";

const RUN = { runId: "run_x", fork: undefined, metadata: { budget_msats: 9_000 } };

test("money that is set aside leaves when it is given back or settled, and what was paid is summed", () => {
  const summary = fold([
    ["run.started", {}],
    ["agent.message", { attempt: 1 }],
    ["budget.reserved", { reservation_id: "rsv_a", amount_msats: 100 }],
    ["budget.reserved", { reservation_id: "rsv_b", amount_msats: 50 }],
    ["verification.recorded", { verdict: "needs_review", assurance: "self" }],
    ["budget.voided", { reservation_id: "rsv_b" }],
    ["patch.made", { attempt: 2 }],
  ]);
  assert.deepEqual(
    [summary.status, summary.attempts, summary.reserved_msats, summary.waits_for_review, summary.verdict],
    ["running", 2, 100, true, "needs_review"],
  );
  const paid = {
    reservation_id: "rsv_a",
    amount_msats: 80,
    second_opinion_msats: 8,
    operator_fee_msats: 2,
  };
  const settled = applyEvent(summary, { seq: 8n, eventType: "payment.released", payload: paid });
  assert.deepEqual(
    [settled.reserved_msats, settled.spent_msats, settled.waits_for_review, settled.budget_msats],
    [0, 90, false, 9_000],
  );
});

test("no event makes the fold throw, whatever it carries, and the same events give the same hash", () => {
  const types = fc.constantFrom(
    "run.started",
    "run.finished",
    "run.cancel_requested",
    "budget.reserved",
    "budget.voided",
    "verification.recorded",
    "payment.released",
    "forge.updated",
    "agent.message",
    "x",
  );
  const names = fc.constantFrom("status", "attempt", "reservation_id", "amount_msats", "verdict", "url");
  const value = fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null));
  const payload = fc.dictionary(names, value, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(types, payload), { maxLength: 20 }), (events) => {
      const once = summaryHash(fold(events));
      assert.equal(summaryHash(fold(events)), once);
      assert.equal(fold(events).event_count, events.length);
    }),
  );
});

function fold(events: readonly (readonly [string, JsonObject])[]) {
  return events.reduce(
    (summary, [eventType, payload], index) =>
      applyEvent(summary, { seq: BigInt(index + 1), eventType, payload }),
    emptySummary(RUN),
  );
}
