import type { JsonObject } from "@openagents/receipts";
import { numberOf } from "./json-view.ts";

/** What the buyer spent by one payment receipt: for both runs, and the operator's fee for them. */
export function paidMsats(payment: JsonObject): number {
  const parts = ["amount_msats", "second_opinion_msats", "operator_fee_msats"];
  return parts.reduce((sum, name) => sum + (numberOf(payment, name) ?? 0), 0);
}
