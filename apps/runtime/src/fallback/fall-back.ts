// Takes a job from a provider that could not do it, and gives it to another one.
//
// FB-1  A job has one provider at a time, and never comes back to one that it was taken from.
// FB-2  The reservation stays as it is: one payment, to whoever did the work, for what was quoted.
// FB-3  It is taken twice at most, and only as the buyer allowed.
// Held by tests/leases.pg.test.ts.

import type { Command } from "@openagents/authority";
import type { Write } from "@openagents/postgres";
import { listBlockersOf } from "../blocks/index.ts";
import { insertMove, listFormerProviders, requeueJob, updateJob, type Job } from "../jobs/index.ts";
import { CANDIDATES_MAX, findQuote, loadMarketFacts } from "../marketplace/index.ts";
import { findPanelRules } from "../panels/index.ts";
import { intendPush } from "../push/index.ts";
import { isFinished, type EventDraft, type Run } from "../runs/index.ts";
import { STALE_AFTER_MS, findWorker, listFreshProviders, recordJobEnds } from "../workers/index.ts";
import { decideFallback } from "./decide-fallback.ts";

export type Because = "lease_lapsed" | "provider_failed" | "provider_stopped" | "not_taken";

export type Moved = {
  readonly job: Job;
  readonly receiptId: string;
  readonly event: EventDraft;
  readonly writes: readonly Write[];
};

/**
 * Move a job that is locked, as its run is; undefined when nobody may take it. The
 * caller adds the event to the run and announces the job once it is committed.
 */
export async function fallBack(
  command: Command,
  run: Run,
  job: Job,
  because: Because,
  nowMs: number,
): Promise<Moved | undefined> {
  if (job.purpose !== "work" || job.fallback === "none" || job.quoteId === undefined) return undefined;
  if (isFinished(run.status) || run.status === "canceling") return undefined;
  const { tx } = command;
  const quote = await findQuote(tx, job.org, job.quoteId);
  if (quote === undefined) throw new Error(`the quote of ${job.jobId} is missing`);
  const former = await listFormerProviders(tx, job.jobId);
  const { secondOpinion } = quote;
  const second = secondOpinion === undefined ? undefined : await findWorker(tx, secondOpinion.workerId);
  const workers = await listFreshProviders(tx, nowMs - STALE_AFTER_MS, CANDIDATES_MAX);
  const to = decideFallback(
    workers,
    {
      capability: quote.capability,
      spec: job.spec,
      buyerOrg: job.org,
      market: quote.market,
      policy: quote.policy,
      payOn: quote.payOn,
      facts: await loadMarketFacts(tx, workers),
      blockedBy: await listBlockersOf(
        tx,
        job.org,
        workers.map((worker) => worker.org),
      ),
      fallback: job.fallback,
      had: [...former, job.providerWorkerId],
      second,
      panel: await findPanelRules(tx, quote),
      priceMsats: quote.priced.priceMsats,
    },
    nowMs,
  );
  if (to === undefined) return undefined;

  const moved = requeueJob(job, { providerWorkerId: to.workerId, providerOrg: to.org }, nowMs);
  const facts = {
    run_id: run.runId,
    job_id: job.jobId,
    job_hash: job.jobHash,
    quote_id: quote.quoteId,
    reservation_id: job.reservationId ?? "",
    dispatch_receipt_id: job.dispatchReceiptId,
    from_worker_id: job.providerWorkerId,
    provider_worker_id: to.workerId,
    because,
    policy: job.fallback,
    fallback_number: former.length + 1,
  };
  const receipt = command.seal(
    "openagents.runtime.fallback_provider_used.v1",
    run.runId,
    facts,
    nowMs,
    job.org,
  );
  intendPush(command, to, moved, nowMs);
  return {
    job: moved,
    receiptId: receipt.receipt_id,
    event: { eventType: "job.reassigned", payload: { ...facts, receipt_id: receipt.receipt_id } },
    writes: [
      updateJob(moved),
      // A lapse is counted where it is struck; a job that was never taken, or given back in time, counts against nobody.
      ...(because === "provider_failed"
        ? [recordJobEnds([{ workerId: job.providerWorkerId, faulty: true, released: false }])]
        : []),
      insertMove({
        jobId: job.jobId,
        fromWorkerId: job.providerWorkerId,
        toWorkerId: to.workerId,
        because,
        receiptId: receipt.receipt_id,
        movedAtMs: nowMs,
      }),
    ],
  };
}
