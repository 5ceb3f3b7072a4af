// What lnd says of a payment, as an outcome that can be relied on.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { ListedPayment, PaymentFailure, PaymentState } from "../node.ts";
import { hexHashOf, malformed, textOf, wholeOf, type Json } from "./fields.ts";

const REASONS: Readonly<Record<string, PaymentFailure>> = {
  FAILURE_REASON_TIMEOUT: "timeout",
  FAILURE_REASON_NO_ROUTE: "no_route",
  FAILURE_REASON_INCORRECT_PAYMENT_DETAILS: "refused_by_payee",
  FAILURE_REASON_INSUFFICIENT_BALANCE: "insufficient_balance",
  FAILURE_REASON_CANCELED: "canceled",
};

/**
 * The state of a payment in lnd's answer. A success whose preimage does not hash
 * to the payment hash proves nothing: it throws, which callers take as unknown.
 */
export function paymentStateOf(json: Json): ListedPayment["state"] {
  const status = textOf(json, "status");
  switch (status) {
    case "SUCCEEDED": {
      const preimage = hexHashOf(json, "payment_preimage");
      if (bytesToHex(sha256(hexToBytes(preimage))) !== hexHashOf(json, "payment_hash"))
        throw malformed("payment_preimage");
      return {
        status: "succeeded",
        preimage,
        amountMsats: wholeOf(json, "value_msat"),
        feeMsats: wholeOf(json, "fee_msat"),
      };
    }
    case "FAILED":
      return { status: "failed", ...failureOf(textOf(json, "failure_reason")) };
    // Recorded, with or without a part on its way.
    case "INITIATED":
    case "IN_FLIGHT":
      return { status: "in_flight" };
    default:
      throw malformed("status");
  }
}

export function failureOf(reason: string): { reason: PaymentFailure; detail: string } {
  return { reason: REASONS[reason] ?? "unspecified", detail: reason };
}

export function isEnd(state: PaymentState): boolean {
  return state.status === "succeeded" || state.status === "failed";
}

export function listedPaymentOf(json: Json): ListedPayment {
  return {
    index: wholeOf(json, "payment_index"),
    paymentHash: hexHashOf(json, "payment_hash"),
    createdAtMs: Number(wholeOf(json, "creation_time_ns") / 1_000_000n),
    amountMsats: wholeOf(json, "value_msat"),
    state: paymentStateOf(json),
  };
}
