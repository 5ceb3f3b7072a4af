// What was paid is what the quotes and the verdicts allow. Pure.

import type { JsonObject } from "@openagents/receipts";
import { receiptNamed } from "./chain.ts";
import { NotChecked, type Problems } from "./claims.ts";
import { listOf, numberOf, objectOf, textOf } from "./json-view.ts";
import { paidMsats } from "./paid-msats.ts";
import type { Attempt, ReceiptsById } from "./story.ts";

export function checkPayment(
  receipts: ReceiptsById,
  attempts: readonly Attempt[],
  runReceipt: JsonObject,
  problems: Problems,
): string {
  const total = numberOf(runReceipt, "payments_msats_total");
  const told: string[] = [];
  let sum = 0;
  for (const attempt of attempts) {
    const { payment } = attempt;
    if (payment === undefined) continue;
    sum += paidMsats(payment);
    told.push(checkOne(receipts, attempt, payment, problems));
  }
  problems.same("the total of the run receipt", total, sum);
  if (told.length === 0) throw new NotChecked("no payment in this run");
  return told.join("; ");
}

function checkOne(
  receipts: ReceiptsById,
  { dispatch, verification, review }: Attempt,
  payment: JsonObject,
  problems: Problems,
): string {
  if (verification === undefined) throw new Error("a payment needs a verification");
  const quote = receiptNamed(receipts, dispatch, "quote_receipt_id");
  const released = mayRelease(verification, review);
  problems.same("the payment's status", textOf(payment, "status"), released ? "released" : "withheld");
  const amount = numberOf(payment, "amount_msats");
  problems.same("the amount", amount, released ? numberOf(quote, "provider_price_msats") : 0);

  const offer = objectOf(quote, "second_opinion");
  const second = numberOf(payment, "second_opinion_msats") ?? 0;
  // A run that agrees is paid; one that was not made, came to nothing, or contradicts the first is not.
  const pays = isConfirmed(verification);
  problems.same("the second run's amount", second, pays ? numberOf(offer, "provider_price_msats") : 0);
  const fees = [
    released ? numberOf(quote, "operator_fee_msats") : 0,
    pays ? numberOf(offer, "operator_fee_msats") : 0,
  ];
  const fee = numberOf(payment, "operator_fee_msats");
  problems.same(
    "the operator's fee",
    fee,
    fees.reduce<number>((sum, part) => sum + (part ?? NaN), 0),
  );

  const first = released
    ? `${amount} msats credited to ${textOf(payment, "provider_worker_id")} for a ${whyReleased(verification)} patch`
    : `withheld (${textOf(payment, "withheld_reason")}): the first provider got nothing`;
  const other =
    second === 0 ? "" : `, ${second} msats to ${textOf(verification, "second_worker_id")} for the second run`;
  return `${first}${other}, ${fee} msats to the operator, as quoted`;
}

/** Someone else must have reproduced the result, and where that is not enough a person must have agreed. */
function mayRelease(verification: JsonObject, review: JsonObject | undefined): boolean {
  if (listOf(verification, "violations").length > 0 || verification["disagreement"] === true) return false;
  if (!isConfirmed(verification)) return false;
  const verdict = textOf(verification, "verdict");
  const accepted = review !== undefined && textOf(review, "decision") === "accepted";
  return verdict === "proven" || (verdict === "needs_review" && accepted);
}

function isConfirmed(verification: JsonObject): boolean {
  return ["self", "independent"].includes(textOf(verification, "assurance"));
}

function whyReleased(verification: JsonObject): string {
  return textOf(verification, "verdict") === "proven" ? "proven" : "reviewed";
}
