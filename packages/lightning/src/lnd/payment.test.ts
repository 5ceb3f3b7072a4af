import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { LightningError } from "../node.ts";
import { listedPaymentOf, paymentStateOf } from "./payment.ts";

const preimage = "11".repeat(32);
const paymentHash = createHash("sha256").update(Buffer.from(preimage, "hex")).digest("hex");
const paid = {
  payment_hash: paymentHash,
  payment_preimage: preimage,
  status: "SUCCEEDED",
  value_msat: "9007199254740993",
  fee_msat: "1000",
  failure_reason: "FAILURE_REASON_NONE",
  payment_index: "7",
  creation_time_ns: "1790000000123456789",
};

test("a success needs a preimage that hashes to the payment hash", () => {
  assert.deepEqual(paymentStateOf(paid), {
    status: "succeeded",
    preimage,
    amountMsats: 9_007_199_254_740_993n,
    feeMsats: 1_000n,
  });
  for (const wrong of ["22".repeat(32), "", "11", undefined])
    assert.throws(() => paymentStateOf({ ...paid, payment_preimage: wrong }), malformed);
});

test("only lnd's final states are ends, and a state that we do not know is none", () => {
  for (const status of ["IN_FLIGHT", "INITIATED"])
    assert.deepEqual(paymentStateOf({ ...paid, status }), { status: "in_flight" });
  for (const status of ["UNKNOWN", "", "failed", 3, null])
    assert.throws(() => paymentStateOf({ ...paid, status }), malformed);
  const reasons = {
    FAILURE_REASON_TIMEOUT: "timeout",
    FAILURE_REASON_NO_ROUTE: "no_route",
    FAILURE_REASON_INCORRECT_PAYMENT_DETAILS: "refused_by_payee",
    FAILURE_REASON_INSUFFICIENT_BALANCE: "insufficient_balance",
    FAILURE_REASON_CANCELED: "canceled",
    FAILURE_REASON_ERROR: "unspecified",
    FAILURE_REASON_OF_THE_FUTURE: "unspecified",
  };
  for (const [detail, reason] of Object.entries(reasons))
    assert.deepEqual(paymentStateOf({ ...paid, status: "FAILED", failure_reason: detail }), {
      status: "failed",
      reason,
      detail,
    });
});

test("amounts beyond 2^53 stay exact, and what is no whole number is refused", () => {
  assert.deepEqual(listedPaymentOf(paid), {
    index: 7n,
    paymentHash,
    createdAtMs: 1_790_000_000_123,
    amountMsats: 9_007_199_254_740_993n,
    state: paymentStateOf(paid),
  });
  for (const value_msat of ["1.5", "1e3", "", 9_007_199_254_740_992, null, "0x10"])
    assert.throws(() => paymentStateOf({ ...paid, value_msat }), malformed);
});

function malformed(error: unknown): boolean {
  return error instanceof LightningError && error.code === "node_answer_malformed";
}
