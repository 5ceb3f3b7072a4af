// Paying through lnd.
//
// Invariants, held by tests/pay.lnd.e2e.test.ts on real nodes:
// P-1 An answer that did not arrive is `unknown`, never `failed`.
// P-2 `failed` stands only on lnd's word: its final state, or its refusal together with its word that it knows no such payment.
// P-3 A repeat never pays twice: lnd refuses a hash that it has in flight or paid, and we then tell what became of that one.

import type { Invoice } from "../bolt11/index.ts";
import { LightningError, type PaymentIntent, type PaymentOutcome, type PaymentState } from "../node.ts";
import { objectOf } from "./fields.ts";
import { isEnd, paymentStateOf } from "./payment.ts";
import { LndError, deadlineIn, type LndRest, type Wait } from "./rest.ts";

/** lnd ends a payment at its own timeout; this much later we stop waiting for its word. */
const GRACE_MS = 15_000;
const NOT_FOUND = 5;

/** Send, then listen to the end. `invoice` is the decoded one of `intent`, its amount rules checked. */
export async function payByLnd(
  rest: LndRest,
  invoice: Invoice,
  intent: PaymentIntent,
  signal: AbortSignal | undefined,
): Promise<PaymentOutcome> {
  const wait: Wait = { timeoutMs: intent.timeoutMs + GRACE_MS, signal };
  const until = performance.now() + intent.timeoutMs + GRACE_MS;
  const body = {
    payment_request: invoice.text,
    ...(invoice.amountMsats === undefined ? { amt_msat: String(intent.amountMsats) } : {}),
    fee_limit_msat: String(intent.maxFeeMsats),
    timeout_seconds: Math.max(1, Math.ceil(intent.timeoutMs / 1_000)),
    no_inflight_updates: true,
  };
  try {
    for await (const update of rest.stream("POST", "/v2/router/send", body, wait)) {
      const state = paymentStateOf(objectOf(update, "payment"));
      if (state.status !== "in_flight") return state;
    }
    return { status: "unknown", because: "lnd ended the stream before the payment" };
  } catch (error) {
    if (error instanceof LndError)
      return await afterRefusal(rest, invoice.paymentHash, error, {
        timeoutMs: until - performance.now(),
        signal,
      });
    return unknown(error);
  }
}

/** lnd refused this call. An earlier one may have paid, or be paying. */
async function afterRefusal(
  rest: LndRest,
  paymentHash: string,
  refusal: LndError,
  wait: Wait,
): Promise<PaymentOutcome> {
  try {
    const state = await trackByLnd(rest, paymentHash, wait);
    if (state.status === "in_flight") return { status: "unknown", because: "the payment is still under way" };
    if (state.status !== "not_found") return state;
    return { status: "failed", reason: "refused_by_node", detail: refusal.message };
  } catch (error) {
    return unknown(error);
  }
}

/** The last state within the wait; at once when nothing is to be waited for. */
export async function trackByLnd(rest: LndRest, paymentHash: string, wait: Wait = {}): Promise<PaymentState> {
  const path = `/v2/router/track/${Buffer.from(paymentHash, "hex").toString("base64url")}=`;
  const waitMs = wait.timeoutMs ?? 0;
  let last: PaymentState | undefined;
  try {
    // The first state may take as long as any call; only what follows is limited by the caller's wait.
    const ended = deadlineIn(Math.max(waitMs, 0) + GRACE_MS);
    const signal = wait.signal === undefined ? ended : AbortSignal.any([ended, wait.signal]);
    const since = performance.now();
    for await (const update of rest.stream("GET", path, undefined, {
      timeoutMs: waitMs + 2 * GRACE_MS,
      signal,
    })) {
      last = paymentStateOf(objectOf(update, "payment"));
      if (isEnd(last) || performance.now() - since >= waitMs) return last;
    }
  } catch (error) {
    if (error instanceof LndError && error.grpcCode === NOT_FOUND) return { status: "not_found" };
    // What it said before it fell silent still stands: under way.
    if (last === undefined || !(error instanceof LightningError) || error.code !== "node_unreachable")
      throw error;
  }
  if (last === undefined)
    throw new LightningError("node_unreachable", "lnd ended the stream without a state");
  return last;
}

function unknown(error: unknown): PaymentOutcome {
  if (!(error instanceof LightningError)) throw error;
  return { status: "unknown", because: error.message };
}
