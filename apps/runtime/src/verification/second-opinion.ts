// Ordering the run that repeats a job, from whom the quote says, or from someone
// else when that one could not.

import { newId, type Command } from "@openagents/authority";
import type { Write } from "@openagents/postgres";
import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";
import {
  canceledFacts,
  capabilityOf,
  inputsOf,
  hasWaitedTooLong,
  insertJob,
  queuedJob,
  resultFacts,
  settleJob,
  specFacts,
  updateJob,
  type Job,
} from "../jobs/index.ts";
import {
  CANDIDATES_MAX,
  decideReplacement,
  loadMarketFacts,
  operatorFee,
  type Quote,
} from "../marketplace/index.ts";
import { intendPush } from "../push/index.ts";
import type { Reservation } from "../reservations/index.ts";
import { extendRun, type EventDraft, type Run } from "../runs/index.ts";
import { STALE_AFTER_MS, findWorker, listFreshProviders, livenessOf } from "../workers/index.ts";
import type { Rerun } from "@openagents/contracts";
import type { Decision } from "./decide-verification.ts";
import { rerunFacts } from "./rerun.ts";
import { insertSecondTerms, type SecondPrice } from "./store.ts";

/** How often somebody is asked to repeat one job. */
const SECOND_RUNS_MAX = 5;

/** What a worker says that was stopped in the middle: it may be asked again when it is back. */
const GIVEN_BACK = "provider_stopped";

/** Who gives it back this often leaves no room for others to be asked. */
const GIVEN_BACK_MAX = 2;

/** Paid what it asks, and never more than was reserved for it. */
export type SecondProvider = SecondPrice & { readonly workerId: string; readonly org: string };

export type SecondOrder = {
  readonly run: Run;
  readonly job: Job;
  readonly quote: Quote;
  readonly reservation: Pick<Reservation, "reservationId" | "receiptId">;
  readonly decision: Decision;
  readonly rerun: Rerun;
  readonly provider: SecondProvider;
  /** The earlier second run, which came to nothing; called off when it is still open. */
  readonly replaced: Job | undefined;
};

export type OrderedSecond = {
  readonly job: Job;
  readonly receiptId: string;
  readonly writes: readonly Write[];
};

/** The job that repeats the work, with its receipts and events. The caller announces it once it is committed. */
export async function orderSecond(
  command: Command,
  order: SecondOrder,
  nowMs: number,
): Promise<OrderedSecond> {
  const { run, job, quote, reservation, decision, rerun, provider, replaced } = order;
  const abandoned = replaced?.status === "queued" || replaced?.status === "leased" ? replaced : undefined;
  const jobId = newId("job", nowMs);
  const events: EventDraft[] = [];
  const seal = (schema: string, eventType: string, facts: JsonObject): string => {
    const receipt = command.seal(schema, run.runId, facts, nowMs, run.org);
    events.push({ eventType, payload: { ...facts, receipt_id: receipt.receipt_id } });
    return receipt.receipt_id;
  };
  if (abandoned !== undefined) {
    seal("openagents.runtime.job_canceled.v1", "job.canceled", canceledFacts(abandoned, "provider_away"));
  }
  const dispatchReceiptId = seal("openagents.runtime.job_dispatched.v1", "job.dispatched", {
    run_id: run.runId,
    job_id: jobId,
    job_hash: job.jobHash,
    quote_id: quote.quoteId,
    quote_receipt_id: quote.receiptId,
    reservation_id: reservation.reservationId,
    reservation_receipt_id: reservation.receiptId,
    provider_worker_id: provider.workerId,
    purpose: "second_opinion",
    primary_job_id: job.jobId,
    repeats: 1,
    spec: specFacts(job.spec),
  });
  const receiptId = seal("openagents.runtime.second_opinion.v1", "verification.second_opinion_requested", {
    run_id: run.runId,
    job_id: job.jobId,
    job_hash: job.jobHash,
    dispatch_receipt_id: job.dispatchReceiptId,
    completed_receipt_id: job.completedReceiptId ?? "",
    provider_worker_id: job.providerWorkerId,
    result_sha256: job.result === undefined ? "" : sha256Hex(canonicalize(resultFacts(job.result))),
    verdict: decision.verdict,
    because: decision.because,
    second_job_id: jobId,
    second_worker_id: provider.workerId,
    second_dispatch_receipt_id: dispatchReceiptId,
    second_price_msats: Number(provider.priceMsats),
    second_fee_msats: Number(provider.feeMsats),
    rerun: rerunFacts(rerun),
    ...replacedFacts(replaced),
  });
  const second = queuedJob(
    {
      jobId,
      org: job.org,
      runId: run.runId,
      jobHash: job.jobHash,
      purpose: "second_opinion",
      primaryJobId: job.jobId,
      repeats: 1,
      quoteId: quote.quoteId,
      reservationId: reservation.reservationId,
      providerWorkerId: provider.workerId,
      providerOrg: provider.org,
      priceMsats: provider.priceMsats,
      spec: job.spec,
      inputs: inputsOf(job.spec),
      dispatchReceiptId,
    },
    nowMs,
  );
  const worker = await findWorker(command.tx, provider.workerId);
  if (worker !== undefined) intendPush(command, worker, second, nowMs);
  return {
    job: second,
    receiptId,
    writes: [
      ...(abandoned === undefined ? [] : [updateJob(settleJob(abandoned, "canceled", nowMs))]),
      insertJob(second),
      insertSecondTerms(jobId, { ...provider, rerun }),
      ...extendRun(run, events, nowMs).writes,
    ],
  };
}

/** Who reads the receipts sees that no answer was passed over until somebody agreed. */
function replacedFacts(replaced: Job | undefined): JsonObject {
  if (replaced === undefined) return {};
  const result = replaced.result === undefined ? {} : { replaced_result: resultFacts(replaced.result) };
  return { replaces_job_id: replaced.jobId, ...result };
}

/** Whether an open second run can still be expected: its provider works on it, or lives and has it waiting. */
export async function isExpected(command: Command, job: Job, nowMs: number): Promise<boolean> {
  if (job.status === "leased") return (job.leaseExpiresAtMs ?? 0) > nowMs;
  if (job.status !== "queued" || hasWaitedTooLong(job, nowMs)) return false;
  const worker = await findWorker(command.tx, job.providerWorkerId);
  return worker?.status === "running" && !worker.quarantined && livenessOf(worker, nowMs) === "fresh";
}

/**
 * Someone who costs no more than what is reserved, or is of the operator's
 * reserve, and did not try before, or had to give the job back; undefined when
 * there is nobody.
 */
export async function findReplacement(
  command: Command,
  order: Pick<SecondOrder, "job" | "quote"> & { readonly asked: readonly Job[] },
  nowMs: number,
): Promise<SecondProvider | undefined> {
  const { job, quote, asked } = order;
  if (asked.length >= SECOND_RUNS_MAX || quote.secondOpinion === undefined) return undefined;
  const workers = await listFreshProviders(command.tx, nowMs - STALE_AFTER_MS, CANDIDATES_MAX);
  const first = await findWorker(command.tx, job.providerWorkerId);
  if (first === undefined) throw new Error(`worker ${job.providerWorkerId} vanished`);
  const givenBack = new Map<string, number>();
  for (const { providerWorkerId, failure } of asked) {
    if (failure?.code !== GIVEN_BACK) givenBack.set(providerWorkerId, Infinity);
    else givenBack.set(providerWorkerId, (givenBack.get(providerWorkerId) ?? 0) + 1);
  }
  const second = decideReplacement(
    workers,
    {
      capability: capabilityOf(job.spec),
      spec: job.spec,
      buyerOrg: job.org,
      market: quote.market,
      // Whoever was asked for: a buyer whose own device stays away must not get the first run for nothing.
      secondOpinion: "any",
      facts: await loadMarketFacts(command.tx, workers),
      first,
      asked: [...givenBack].flatMap(([workerId, times]) => (times < GIVEN_BACK_MAX ? [] : [workerId])),
      priceMsatsMax: quote.secondOpinion.priceMsats,
    },
    nowMs,
  );
  if (second === undefined) return undefined;
  const { workerId, org } = second.worker;
  const { priceMsats } = second.priced;
  const reserved = quote.secondOpinion;
  // The reserve may ask for more than what is reserved, and runs it for that.
  const price = priceMsats < reserved.priceMsats ? priceMsats : reserved.priceMsats;
  return { workerId, org, priceMsats: price, feeMsats: operatorFee(price) };
}
