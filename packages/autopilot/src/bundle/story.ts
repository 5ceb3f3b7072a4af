// The receipts of a run, put together as what happened: one attempt after the
// other, each a bought job with its report, the runs that repeat it, its
// verdict, its review and its payment. Pure; what the parts say of each other is
// for chain.ts to check.

import type { JsonObject } from "@openagents/receipts";
import { numberOf, textOf } from "./json-view.ts";

export type ReceiptsById = ReadonlyMap<string, JsonObject>;

/** A part that did not come about is undefined. */
export type Attempt = {
  /** The order, with the provider that the job went to last. */
  readonly dispatch: JsonObject;
  /** The order as it was given. */
  readonly ordered: JsonObject;
  /** How the job went from one provider to the next. */
  readonly fallbacks: readonly JsonObject[];
  readonly completed: JsonObject | undefined;
  readonly canceled: JsonObject | undefined;
  /** Preliminary verdicts, each with the order of a second run. */
  readonly opinions: readonly JsonObject[];
  readonly seconds: readonly SecondRun[];
  readonly verification: JsonObject | undefined;
  readonly review: JsonObject | undefined;
  readonly payment: JsonObject | undefined;
};

export type SecondRun = Pick<Attempt, "dispatch" | "completed" | "canceled">;

export type Story = {
  /** In the order in which they were dispatched; the last is what the bundle is about. */
  readonly attempts: readonly Attempt[];
  /** Receipts of the operator's own runs, which decide a disagreement after the run. */
  readonly adjudications: ReadonlySet<string>;
};

const DISPATCHED = "openagents.runtime.job_dispatched.v1";
const COMPLETED = "openagents.runtime.job_completed.v1";
const CANCELED = "openagents.runtime.job_canceled.v1";
const FALLBACK = "openagents.runtime.fallback_provider_used.v1";
const OPINION = "openagents.runtime.second_opinion.v1";
const VERIFICATION = "openagents.runtime.verification.v2";
const REVIEW = "openagents.runtime.review.v1";
const PAYMENT = "openagents.treasury.payment_receipt.v2";
const RESERVED = "openagents.treasury.budget_reserved.v1";
const VOIDED = "openagents.treasury.reservation_voided.v1";

/** Of each of these a job has at most one. */
const ONCE = [DISPATCHED, COMPLETED, CANCELED, VERIFICATION, REVIEW, PAYMENT];

/** The note of a rejection that no person decided on; whoever reads the receipts tells it by this. */
export const ENDED_UNSEEN = "The run was ended before a person looked at it.";

/** Throws when a receipt is about a job that nobody dispatched, or a job has two of a kind. */
export function storyOf(receipts: ReceiptsById): Story {
  const all = [...receipts.values()];
  const dispatches = all
    .filter((receipt) => textOf(receipt, "schema") === DISPATCHED)
    .toSorted(
      (a, b) => compare(textOf(a, "occurred_at"), textOf(b, "occurred_at")) || compare(idOf(a), idOf(b)),
    );
  const jobs = new Map(dispatches.map((dispatch) => [textOf(dispatch, "job_id"), dispatch]));
  const found = new Map<string, JsonObject>();
  for (const receipt of all) {
    const schema = textOf(receipt, "schema");
    if (![...ONCE, OPINION, FALLBACK].includes(schema)) continue;
    const jobId = textOf(receipt, "job_id");
    if (!jobs.has(jobId)) throw new Error(`${schema} ${idOf(receipt)} is about a job that nobody dispatched`);
    if (!ONCE.includes(schema)) continue;
    const key = `${schema} ${jobId}`;
    if (found.has(key)) throw new Error(`there are two receipts of ${key}`);
    found.set(key, receipt);
  }

  const runOf = (dispatch: JsonObject): SecondRun => ({
    dispatch,
    completed: found.get(`${COMPLETED} ${textOf(dispatch, "job_id")}`),
    canceled: found.get(`${CANCELED} ${textOf(dispatch, "job_id")}`),
  });
  const byPurpose = (purpose: string) =>
    dispatches.filter((dispatch) => textOf(dispatch, "purpose") === purpose);
  const attempts = byPurpose("work").map((dispatch): Attempt => {
    const jobId = textOf(dispatch, "job_id");
    const isOfJob = (receipt: JsonObject) => textOf(receipt, "job_id") === jobId;
    const fallbacks = all
      .filter((receipt) => textOf(receipt, "schema") === FALLBACK && isOfJob(receipt))
      .toSorted((a, b) => (numberOf(a, "fallback_number") ?? 0) - (numberOf(b, "fallback_number") ?? 0));
    const last = fallbacks.at(-1);
    const provider = last === undefined ? {} : { provider_worker_id: textOf(last, "provider_worker_id") };
    return {
      ...runOf(dispatch),
      dispatch: { ...dispatch, ...provider },
      ordered: dispatch,
      fallbacks,
      opinions: all.filter((receipt) => textOf(receipt, "schema") === OPINION && isOfJob(receipt)),
      seconds: byPurpose("second_opinion")
        .filter((second) => textOf(second, "primary_job_id") === jobId)
        .map(runOf),
      verification: found.get(`${VERIFICATION} ${jobId}`),
      review: found.get(`${REVIEW} ${jobId}`),
      payment: found.get(`${PAYMENT} ${jobId}`),
    };
  });
  const third = byPurpose("adjudication").map(runOf);
  const told = attempts.length + third.length + attempts.flatMap(({ seconds }) => seconds).length;
  if (told !== dispatches.length) throw new Error("a job was dispatched that repeats no work of this run");
  return {
    attempts,
    adjudications: new Set(
      third.flatMap(({ dispatch, completed, canceled }) =>
        [dispatch, completed, canceled].flatMap((receipt) => (receipt === undefined ? [] : [idOf(receipt)])),
      ),
    ),
  };
}

/** Msats of the reservations that were neither given back nor settled. */
export function openMsats(receipts: Iterable<JsonObject>): number {
  const open = new Map<string, number>();
  const ended = new Set<string>();
  for (const receipt of receipts) {
    const schema = textOf(receipt, "schema");
    const reservationId = textOf(receipt, "reservation_id");
    if (schema === RESERVED) open.set(reservationId, numberOf(receipt, "amount_msats") ?? 0);
    if (schema === VOIDED || schema === PAYMENT) ended.add(reservationId);
  }
  return [...open].reduce((sum, [id, amountMsats]) => (ended.has(id) ? sum : sum + amountMsats), 0);
}

function idOf(receipt: JsonObject): string {
  return textOf(receipt, "receipt_id");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
