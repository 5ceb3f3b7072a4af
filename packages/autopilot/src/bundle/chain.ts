// The receipts of a run as one chain: quote and reservation, the job that rests
// on them, its report, the run that repeats it, the verification of both, the
// review, and the payment that follows. Pure.

import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";
import { checkQuote } from "./check-quote.ts";
import { NotChecked, type Problems } from "./claims.ts";
import { numberOf, objectOf, objectsOf, textOf } from "./json-view.ts";
import { storyOf, type Attempt, type ReceiptsById, type SecondRun } from "./story.ts";

/** Every link from the payment down to the quote, as far as each attempt came. */
export function checkLinkage(receipts: ReceiptsById, problems: Problems): string {
  const { attempts } = storyOf(receipts);
  if (attempts.length === 0) throw new NotChecked("no job in this run");
  const chains = attempts.map((attempt) => checkAttempt(receipts, attempt, problems));
  return chains.length === 1
    ? chains.join()
    : chains.map((chain, index) => `${index + 1}: ${chain}`).join("; ");
}

function checkAttempt(receipts: ReceiptsById, attempt: Attempt, problems: Problems): string {
  const { ordered, fallbacks, completed, opinions, seconds, verification, review, payment } = attempt;
  const links = ["job → reservation → quote"];
  checkOrder(receipts, ordered, problems);
  checkFallbacks(attempt, problems);
  if (fallbacks.length > 0) links.unshift("fallback →");
  checkRun("report", attempt, problems);
  if (completed !== undefined) links.unshift("report →");
  checkSecondOrders(receipts, attempt, problems);
  for (const opinion of opinions) checkOpinion(opinion, attempt, problems);
  if (seconds.length !== opinions.length)
    problems.add(`${opinions.length} second opinions were asked for, and ${seconds.length} jobs dispatched`);
  if (seconds.length > 0) links.unshift("second report →");
  if (verification !== undefined) {
    checkVerificationLinks(verification, attempt, problems);
    links.unshift("verification →");
  }
  if (review !== undefined) {
    checkReviewLinks(review, verification, problems);
    links.unshift("review →");
  }
  if (payment !== undefined) {
    checkPaymentLinks(payment, attempt, problems);
    links.unshift("payment →");
  }
  return links.join(" ");
}

function checkOrder(receipts: ReceiptsById, dispatch: JsonObject, problems: Problems): void {
  const quote = receiptNamed(receipts, dispatch, "quote_receipt_id");
  const reservation = receiptNamed(receipts, dispatch, "reservation_receipt_id");
  checkJobHash("job", dispatch, problems);
  problems.same("job → quote", textOf(dispatch, "quote_id"), textOf(quote, "quote_id"));
  problems.same("job → quoted work", textOf(dispatch, "job_hash"), textOf(quote, "job_hash"));
  const provider = textOf(dispatch, "provider_worker_id");
  problems.same("job → quoted provider", provider, textOf(quote, "provider_worker_id"));
  const reservationId = textOf(dispatch, "reservation_id");
  problems.same("job → reservation", reservationId, textOf(reservation, "reservation_id"));
  problems.same("reservation → quote", textOf(reservation, "quote_id"), textOf(quote, "quote_id"));
  checkQuote(quote, dispatch, problems);
  const total = numberOf(quote, "total_price_msats");
  problems.same("reservation → price", numberOf(reservation, "amount_msats"), total);
  const offers = quote["second_opinion"] === undefined ? [] : [objectOf(quote, "second_opinion")];
  const parts = [quote, ...offers].flatMap((part) => [
    numberOf(part, "provider_price_msats"),
    numberOf(part, "operator_fee_msats"),
    // Receipts of quotes without adders name none.
    numberOf(part, "policy_adder_msats") ?? 0,
  ]);
  problems.same(
    "the parts of the price",
    parts.reduce<number>((sum, part) => sum + (part ?? NaN), 0),
    total,
  );
}

/** As often as an order goes to another provider. */
const FALLBACKS_MAX = 2;

/** Each takes the job from the one before it, of the same order and the same money, and never gives it back. */
function checkFallbacks({ ordered, fallbacks }: Attempt, problems: Problems): void {
  const had = [textOf(ordered, "provider_worker_id")];
  for (const [index, fallback] of fallbacks.entries()) {
    const part = `fallback ${index + 1}`;
    for (const name of ["run_id", "job_hash", "quote_id", "reservation_id"]) {
      problems.same(`${part} → ${name} of the job`, textOf(fallback, name), textOf(ordered, name));
    }
    problems.same(`${part} → job`, textOf(fallback, "dispatch_receipt_id"), textOf(ordered, "receipt_id"));
    problems.same(`${part} → number`, numberOf(fallback, "fallback_number"), index + 1);
    problems.same(`${part} → provider before it`, textOf(fallback, "from_worker_id"), had.at(-1) ?? "");
    const next = textOf(fallback, "provider_worker_id");
    if (had.includes(next)) problems.add(`${next} had the job before it was given to it`);
    had.push(next);
  }
  if (fallbacks.length > FALLBACKS_MAX)
    problems.add(`the job went to another provider ${fallbacks.length} times`);
}

/** What a provider reports that was stopped in the middle: it may be asked again when it is back. */
const STOPPED = "provider_stopped";

/**
 * Second runs are of the same work, from the same money, and never by the first
 * provider. Who was quoted is asked first; others only when that came to nothing,
 * which a result shows by the limit or signal that ended one of its commands.
 */
function checkSecondOrders(
  receipts: ReceiptsById,
  { dispatch: first, seconds, opinions }: Attempt,
  problems: Problems,
): void {
  const offer = objectOf(receiptNamed(receipts, first, "quote_receipt_id"), "second_opinion");
  const asked = new Set([textOf(first, "provider_worker_id")]);
  for (const [index, second] of seconds.entries()) {
    const { dispatch } = second;
    checkJobHash("second job", dispatch, problems);
    for (const name of ["run_id", "job_hash", "quote_id", "reservation_id"]) {
      problems.same(`second job → ${name} of the job`, textOf(dispatch, name), textOf(first, name));
    }
    const worker = textOf(dispatch, "provider_worker_id");
    if (index === 0)
      problems.same("second job → quoted provider", worker, textOf(offer, "provider_worker_id"));
    if (asked.has(worker)) problems.add(`${worker} was asked twice to run the same work`);
    if (textOf(second.completed ?? {}, "failure_code") !== STOPPED) asked.add(worker);
    const next = seconds[index + 1];
    if (next !== undefined) checkReplaced(second, next, opinions, problems);
    checkRun("second report", second, problems);
  }
}

function checkReplaced(
  { dispatch, completed }: SecondRun,
  next: SecondRun,
  opinions: readonly JsonObject[],
  problems: Problems,
): void {
  const nextId = textOf(next.dispatch, "job_id");
  const opinion = opinions.find((each) => textOf(each, "second_job_id") === nextId) ?? {};
  problems.same("second job → replaced job", textOf(opinion, "replaces_job_id"), textOf(dispatch, "job_id"));
  const resultSha256 = textOf(completed ?? {}, "result_sha256");
  if (resultSha256 === "") return;
  const result = objectOf(opinion, "replaced_result");
  problems.same("replaced job → result", resultSha256, sha256Hex(canonicalize(result)));
  const commands = objectsOf(result, "legs").flatMap((leg) => objectsOf(leg, "commands"));
  const cameToNothing = commands.some(
    (command) =>
      textOf(command, "limit") !== "" ||
      textOf(command, "signal") !== "" ||
      NOT_STARTED.includes(numberOf(command, "exit_code") ?? 0),
  );
  if (!cameToNothing) problems.add("another second run was ordered although there was an answer");
}

/** The shell's words for "cannot be executed" and "not found". */
const NOT_STARTED = [126, 127];

function checkRun(part: string, { dispatch, completed, canceled }: SecondRun, problems: Problems): void {
  if (completed !== undefined) {
    sameJob(part, completed, dispatch, problems);
    problems.same(`${part} → job`, textOf(completed, "dispatch_receipt_id"), textOf(dispatch, "receipt_id"));
  }
  if (canceled !== undefined) {
    sameJob("cancellation", canceled, dispatch, problems);
    if (completed !== undefined) problems.add("a canceled job has a report");
  }
}

function checkJobHash(part: string, dispatch: JsonObject, problems: Problems): void {
  const work = sha256Hex(canonicalize(objectOf(dispatch, "spec")));
  problems.same(`${part} → work`, textOf(dispatch, "job_hash"), work);
}

function checkOpinion(opinion: JsonObject, attempt: Attempt, problems: Problems): void {
  const { dispatch, completed = {}, seconds } = attempt;
  const part = "second opinion";
  sameJob(part, opinion, dispatch, problems);
  problems.same(`${part} → job`, textOf(opinion, "dispatch_receipt_id"), textOf(dispatch, "receipt_id"));
  problems.same(`${part} → report`, textOf(opinion, "completed_receipt_id"), textOf(completed, "receipt_id"));
  problems.same(`${part} → result`, textOf(opinion, "result_sha256"), textOf(completed, "result_sha256"));
  const second = seconds.find((one) => textOf(one.dispatch, "job_id") === textOf(opinion, "second_job_id"));
  const ordered = textOf(second?.dispatch ?? {}, "receipt_id");
  problems.same(`${part} → second job`, textOf(opinion, "second_dispatch_receipt_id"), ordered);
}

function checkVerificationLinks(verification: JsonObject, attempt: Attempt, problems: Problems): void {
  const { dispatch, completed } = attempt;
  const part = "verification";
  sameJob(part, verification, dispatch, problems);
  problems.same(`${part} → job`, textOf(verification, "dispatch_receipt_id"), textOf(dispatch, "receipt_id"));
  const spec = objectOf(dispatch, "spec");
  for (const name of ["base_bundle_sha256", "base_commit", "base_tree", "patch_sha256"]) {
    problems.same(`${part} → ${name} of the job`, textOf(verification, name), textOf(spec, name));
  }
  if (completed === undefined) problems.add("there is a verification without a report");
  else checkReported(part, verification, "", completed, problems);
  checkSecondReported(verification, attempt, problems);
}

function checkSecondReported(verification: JsonObject, { seconds }: Attempt, problems: Problems): void {
  const last = seconds.at(-1);
  if (last === undefined) {
    const names = ["job_id", "worker_id", "completed_receipt_id", "result", "failure_code"];
    for (const name of names.map((member) => `second_${member}`)) {
      if (verification[name] !== undefined) problems.add(`the verification has ${name}, but no second job`);
    }
    return;
  }
  const { dispatch, completed } = last;
  const part = "verification, second run";
  problems.same(`${part} → job`, textOf(verification, "second_job_id"), textOf(dispatch, "job_id"));
  const worker = textOf(dispatch, "provider_worker_id");
  problems.same(`${part} → provider`, textOf(verification, "second_worker_id"), worker);
  if (completed !== undefined) checkReported(part, verification, "second_", completed, problems);
  else problems.same(`${part} → failure`, textOf(verification, "second_failure_code"), "not_run");
  if (completed === undefined && verification["second_result"] !== undefined)
    problems.add("the verification has a second result, but there is no second report");
}

/** What the verification repeats of a report is what the report's receipt hashed. */
function checkReported(
  part: string,
  verification: JsonObject,
  prefix: "" | "second_",
  completed: JsonObject,
  problems: Problems,
): void {
  const named = textOf(verification, `${prefix}completed_receipt_id`);
  problems.same(`${part} → report`, named, textOf(completed, "receipt_id"));
  if (verification[`${prefix}result`] === undefined) {
    const failure = textOf(verification, `${prefix}failure_code`);
    problems.same(`${part} → failure`, failure, textOf(completed, "failure_code"));
  } else {
    const result = sha256Hex(canonicalize(objectOf(verification, `${prefix}result`)));
    problems.same(`${part} → reported result`, result, textOf(completed, "result_sha256"));
  }
}

function checkReviewLinks(
  review: JsonObject,
  verification: JsonObject | undefined,
  problems: Problems,
): void {
  if (verification === undefined) {
    problems.add("there is a review without a verification");
    return;
  }
  const verified = textOf(verification, "receipt_id");
  problems.same("review → verification", textOf(review, "verification_receipt_id"), verified);
  problems.same("review → run", textOf(review, "run_id"), textOf(verification, "run_id"));
}

function checkPaymentLinks(payment: JsonObject, attempt: Attempt, problems: Problems): void {
  const { dispatch, verification, review } = attempt;
  if (verification === undefined) {
    problems.add("there is a payment without a verification");
    return;
  }
  sameJob("payment", payment, dispatch, problems);
  for (const name of ["quote_id", "reservation_id"]) {
    problems.same(`payment → ${name} of the job`, textOf(payment, name), textOf(dispatch, name));
  }
  const verified = textOf(payment, "verification_receipt_id");
  problems.same("payment → verification", verified, textOf(verification, "receipt_id"));
  const hash = textOf(payment, "verification_receipt_sha256");
  problems.same("payment → hash of the verification", hash, textOf(verification, "canonical_json_sha256"));
  const reviewed = review === undefined ? "none" : textOf(review, "receipt_id");
  const named = textOf(payment, "review_receipt_id") || "none";
  // What is paid for whatever its verdict is paid before the word on the patch.
  if (named !== "none" || textOf(payment, "pay_on") !== "execution")
    problems.same("payment → review", named, reviewed);
  const paidSecond = textOf(payment, "second_opinion_worker_id");
  if (paidSecond !== "")
    problems.same("payment → second provider", paidSecond, textOf(verification, "second_worker_id"));
}

function sameJob(part: string, receipt: JsonObject, dispatch: JsonObject, problems: Problems): void {
  for (const name of ["run_id", "job_id", "job_hash", "provider_worker_id"]) {
    problems.same(`${part} → ${name} of the job`, textOf(receipt, name), textOf(dispatch, name));
  }
}

/** The receipt that a member of another one names. Throws when it is not here. */
export function receiptNamed(receipts: ReceiptsById, from: JsonObject, member: string): JsonObject {
  const id = textOf(from, member);
  const receipt = receipts.get(id);
  if (receipt === undefined) throw new Error(`receipt ${id || `for ${member}`} is missing`);
  return receipt;
}
