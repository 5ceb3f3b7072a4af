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
  { dispatch, completed, opinions, seconds, verification, review }: Attempt,
  payment: JsonObject,
  problems: Problems,
): string {
  if (verification === undefined) throw new Error("a payment needs a verification");
  const quote = receiptNamed(receipts, dispatch, "quote_receipt_id");
  // Quotes of before were paid for by their outcome.
  const payOn = textOf(quote, "pay_on") || "outcome";
  problems.same("what is paid for", textOf(payment, "pay_on") || "outcome", payOn);
  if (textOf(payment, "incident_outcome") !== "") return tellIncident(payment, quote, problems);
  const released = mayRelease(payOn, verification, review, quote);
  problems.same("the payment's status", textOf(payment, "status"), released ? "released" : "withheld");
  const amount = numberOf(payment, "amount_msats");
  problems.same("the amount", amount, released ? asCharged(quote, completed) : 0);

  const offer = objectOf(quote, "second_opinion");
  const order = secondOrder(offer, verification, opinions);
  for (const name of ["provider_price_msats", "operator_fee_msats"])
    if ((numberOf(order, name) ?? NaN) > (numberOf(offer, name) ?? NaN))
      problems.add(`the second run's ${name} is more than was quoted`);
  const second = numberOf(payment, "second_opinion_msats") ?? 0;
  // A run that agrees is paid; one that was not made, came to nothing, or contradicts the first is not.
  const pays = isConfirmed(verification);
  problems.same("the second run's amount", second, pays ? asCharged(order, seconds.at(-1)?.completed) : 0);
  const fees = [released ? operatorsPart(quote) : 0, pays ? numberOf(order, "operator_fee_msats") : 0];
  const fee = numberOf(payment, "operator_fee_msats");
  problems.same(
    "the operator's fee",
    fee,
    fees.reduce<number>((sum, part) => sum + (part ?? NaN), 0),
  );

  const first = released
    ? `${amount} msats credited to ${textOf(payment, "provider_worker_id")} for ${whatFor(payOn, verification)}${isConfirmed(verification) ? "" : " (reported, not verified: not drawn)"}`
    : `withheld (${textOf(payment, "withheld_reason")}): the first provider got nothing`;
  const other =
    second === 0 ? "" : `, ${second} msats to ${textOf(verification, "second_worker_id")} for the second run`;
  return `${first}${other}, ${fee} msats to the operator, as quoted`;
}

/** By the operator's decision, whose receipts are about the incident and not in a run's bundle: only bounds show here. */
function tellIncident(payment: JsonObject, quote: JsonObject, problems: Problems): string {
  const total = paidMsats(payment);
  const most = numberOf(quote, "total_price_msats") ?? 0;
  if (total > most) problems.add(`${total} msats were paid, and the quote is of ${most} msats`);
  return `${total} msats credited by the decision of ${textOf(payment, "incident_id")} (${textOf(payment, "incident_outcome")})`;
}

/** What the one who ran it again asked, which is less than the quote's where that one was replaced by a cheaper one. */
function secondOrder(
  offer: JsonObject,
  verification: JsonObject,
  opinions: readonly JsonObject[],
): JsonObject {
  const jobId = textOf(verification, "second_job_id");
  const opinion = opinions.find((one) => textOf(one, "second_job_id") === jobId);
  const price = opinion === undefined ? undefined : numberOf(opinion, "second_price_msats");
  const fee = opinion === undefined ? undefined : numberOf(opinion, "second_fee_msats");
  return price === undefined || fee === undefined
    ? offer
    : { provider_price_msats: price, operator_fee_msats: fee };
}

/** A provider is paid what it was quoted, or less when its report asked for less. */
function asCharged(part: JsonObject, completed: JsonObject | undefined): number | undefined {
  const quoted = numberOf(part, "provider_price_msats");
  const charged = numberOf(completed ?? {}, "charged_msats");
  return quoted === undefined || charged === undefined ? quoted : Math.min(quoted, charged);
}

function operatorsPart(part: JsonObject): number | undefined {
  const fee = numberOf(part, "operator_fee_msats");
  return fee === undefined ? undefined : fee + (numberOf(part, "policy_adder_msats") ?? 0);
}

/** Someone else must have reproduced the result, and where that is not enough a person must have agreed. */
function mayRelease(
  payOn: string,
  verification: JsonObject,
  review: JsonObject | undefined,
  quote: JsonObject,
): boolean {
  if (listOf(verification, "violations").length > 0 || verification["disagreement"] === true) return false;
  if (!isConfirmed(verification) && !isSampledOut(verification, quote)) return false;
  const verdict = textOf(verification, "verdict");
  if (payOn === "execution") return verdict !== "inconclusive";
  const accepted = review !== undefined && textOf(review, "decision") === "accepted";
  return verdict === "proven" || (verdict === "needs_review" && accepted);
}

/** The buyer agreed, when it took the quote, to pay on the provider's word for what is not drawn. */
function isSampledOut(verification: JsonObject, quote: JsonObject): boolean {
  const decision = textOf(objectOf(verification, "rerun"), "decision");
  return textOf(quote, "verification_policy") === "sampled" && decision === "not_drawn";
}

function isConfirmed(verification: JsonObject): boolean {
  return ["self", "independent"].includes(textOf(verification, "assurance"));
}

function whatFor(payOn: string, verification: JsonObject): string {
  const verdict = textOf(verification, "verdict");
  if (payOn === "execution") return `running the check, whose verdict is ${verdict.replaceAll("_", " ")}`;
  return verdict === "proven" ? "a proven patch" : "a reviewed patch";
}
