// The receipts of a run as one story: quote and reservation, the job that rests
// on them, its report, the verification of that report, and the payment that
// follows from it. Pure.

import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";
import { NotChecked, type Problems } from "./claims.ts";
import { listOf, numberOf, objectOf, textOf } from "./json-view.ts";

export type ReceiptsById = ReadonlyMap<string, JsonObject>;

/** What the receipts of one job say; a part that did not come about is undefined. */
export type Story = {
  readonly dispatch: JsonObject | undefined;
  readonly completed: JsonObject | undefined;
  readonly verification: JsonObject | undefined;
  readonly payment: JsonObject | undefined;
};

export function storyOf(receipts: ReceiptsById): Story {
  const only = (schema: string): JsonObject | undefined => {
    const [first, second] = [...receipts.values()].filter((receipt) => textOf(receipt, "schema") === schema);
    if (second !== undefined) throw new Error(`there are two receipts of ${schema}`);
    return first;
  };
  return {
    dispatch: only("openagents.runtime.job_dispatched.v1"),
    completed: only("openagents.runtime.job_completed.v1"),
    verification: only("openagents.runtime.verification.v1"),
    payment: only("openagents.treasury.payment_receipt.v2"),
  };
}

/** Every link from the payment down to the quote, as far as the run came. */
export function checkLinkage(receipts: ReceiptsById, problems: Problems): string {
  const { dispatch, completed, verification, payment } = storyOf(receipts);
  if (dispatch === undefined) {
    if (completed ?? verification ?? payment)
      problems.add("there is a report, verdict or payment without a job");
    throw new NotChecked("no job in this run");
  }
  const links = ["job → reservation → quote"];
  checkOrder(receipts, dispatch, problems);
  if (completed !== undefined) {
    sameJob("report", completed, dispatch, problems);
    problems.same("report → job", textOf(completed, "dispatch_receipt_id"), textOf(dispatch, "receipt_id"));
    links.unshift("report →");
  }
  if (verification !== undefined) {
    checkVerificationLinks(verification, dispatch, completed, problems);
    links.unshift("verification →");
  }
  if (payment !== undefined) {
    checkPaymentLinks(payment, verification, dispatch, problems);
    links.unshift("payment →");
  }
  return links.join(" ");
}

function checkOrder(receipts: ReceiptsById, dispatch: JsonObject, problems: Problems): void {
  const quote = named(receipts, dispatch, "quote_receipt_id");
  const reservation = named(receipts, dispatch, "reservation_receipt_id");
  const spec = objectOf(dispatch, "spec");
  problems.same("job → work", textOf(dispatch, "job_hash"), sha256Hex(canonicalize(spec)));
  problems.same("job → quote", textOf(dispatch, "quote_id"), textOf(quote, "quote_id"));
  problems.same("job → quoted work", textOf(dispatch, "job_hash"), textOf(quote, "job_hash"));
  problems.same(
    "job → quoted provider",
    textOf(dispatch, "provider_worker_id"),
    textOf(quote, "provider_worker_id"),
  );
  problems.same(
    "job → reservation",
    textOf(dispatch, "reservation_id"),
    textOf(reservation, "reservation_id"),
  );
  problems.same("reservation → quote", textOf(reservation, "quote_id"), textOf(quote, "quote_id"));
  problems.same(
    "reservation → price",
    numberOf(reservation, "amount_msats"),
    numberOf(quote, "total_price_msats"),
  );
  const parts =
    (numberOf(quote, "provider_price_msats") ?? NaN) + (numberOf(quote, "operator_fee_msats") ?? NaN);
  problems.same("the parts of the price", parts, numberOf(quote, "total_price_msats"));
}

function checkVerificationLinks(
  verification: JsonObject,
  dispatch: JsonObject,
  completed: JsonObject | undefined,
  problems: Problems,
): void {
  sameJob("verification", verification, dispatch, problems);
  problems.same(
    "verification → job",
    textOf(verification, "dispatch_receipt_id"),
    textOf(dispatch, "receipt_id"),
  );
  const spec = objectOf(dispatch, "spec");
  for (const name of ["base_bundle_sha256", "base_commit", "base_tree", "patch_sha256"]) {
    problems.same(`verification → ${name} of the job`, textOf(verification, name), textOf(spec, name));
  }
  if (completed === undefined) {
    problems.add("there is a verification without a report");
    return;
  }
  problems.same(
    "verification → report",
    textOf(verification, "completed_receipt_id"),
    textOf(completed, "receipt_id"),
  );
  if (verification["result"] === undefined) {
    problems.same(
      "verification → failure",
      textOf(verification, "failure_code"),
      textOf(completed, "failure_code"),
    );
  } else {
    const result = sha256Hex(canonicalize(objectOf(verification, "result")));
    problems.same("verification → reported result", result, textOf(completed, "result_sha256"));
  }
}

function checkPaymentLinks(
  payment: JsonObject,
  verification: JsonObject | undefined,
  dispatch: JsonObject,
  problems: Problems,
): void {
  if (verification === undefined) {
    problems.add("there is a payment without a verification");
    return;
  }
  sameJob("payment", payment, dispatch, problems);
  for (const name of ["quote_id", "reservation_id"]) {
    problems.same(`payment → ${name} of the job`, textOf(payment, name), textOf(dispatch, name));
  }
  problems.same(
    "payment → verification",
    textOf(payment, "verification_receipt_id"),
    textOf(verification, "receipt_id"),
  );
  problems.same(
    "payment → hash of the verification",
    textOf(payment, "verification_receipt_sha256"),
    textOf(verification, "canonical_json_sha256"),
  );
}

/** What was paid is what the quote and the verdict allow. */
export function checkPayment(receipts: ReceiptsById, runReceipt: JsonObject, problems: Problems): string {
  const { dispatch, verification, payment } = storyOf(receipts);
  const total = numberOf(runReceipt, "payments_msats_total");
  if (payment === undefined) {
    if (total !== 0) problems.add(`the run receipt counts ${total ?? "no"} msats, but there is no payment`);
    throw new NotChecked("no payment in this run");
  }
  if (dispatch === undefined || verification === undefined)
    throw new Error("a payment needs a job and a verification");
  const amount = numberOf(payment, "amount_msats");
  problems.same("the total of the run receipt", total, amount);
  const mayRelease =
    textOf(verification, "verdict") === "proven" && listOf(verification, "violations").length === 0;
  problems.same("the payment's status", textOf(payment, "status"), mayRelease ? "released" : "withheld");
  const quote = named(receipts, dispatch, "quote_receipt_id");
  const fee = numberOf(payment, "operator_fee_msats");
  problems.same("the amount", amount, mayRelease ? numberOf(quote, "provider_price_msats") : 0);
  problems.same("the operator's fee", fee, mayRelease ? numberOf(quote, "operator_fee_msats") : 0);
  const provider = textOf(payment, "provider_worker_id");
  return mayRelease
    ? `${amount} msats credited to ${provider} for a proven patch, ${fee} msats to the operator, as quoted`
    : `withheld (${textOf(payment, "withheld_reason")}): nothing was credited`;
}

function sameJob(part: string, receipt: JsonObject, dispatch: JsonObject, problems: Problems): void {
  for (const name of ["run_id", "job_id", "job_hash", "provider_worker_id"]) {
    problems.same(`${part} → ${name} of the job`, textOf(receipt, name), textOf(dispatch, name));
  }
}

function named(receipts: ReceiptsById, from: JsonObject, member: string): JsonObject {
  const id = textOf(from, member);
  const receipt = receipts.get(id);
  if (receipt === undefined) throw new Error(`receipt ${id || `for ${member}`} is missing`);
  return receipt;
}
