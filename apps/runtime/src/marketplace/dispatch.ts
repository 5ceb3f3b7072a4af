// Ordering quoted work. A quote binds until it expires: only the provider's own
// leaving the market, or its quarantine, undoes it.

import { newId, type Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  DispatchSandboxRunRequest,
  DispatchSandboxRunResponse,
} from "@openagents/contracts";
import { notFound } from "@openagents/service";
import {
  findJobByReservation,
  inputsOf,
  insertJob,
  jobMessage,
  queuedJob,
  specFacts,
  type Offers,
} from "../jobs/index.ts";
import { countMarket } from "../market-counts/index.ts";
import { intendPush } from "../push/index.ts";
import { lockReservation, type Reservation } from "../reservations/index.ts";
import { extendRun, isFinished, requireLockedRun } from "../runs/index.ts";
import { findWorker, type Worker } from "../workers/index.ts";
import type { Quote } from "./quote.ts";
import { findQuote } from "./store.ts";

export type DispatchDeps = { readonly authority: Authority; readonly offers: Offers };

/** In order of precedence. */
type DispatchRefusal =
  | "reservation_for_another_quote"
  | "reservation_not_reserved"
  | "quote_expired"
  | "run_finished"
  | "already_dispatched"
  | "provider_unavailable";

/** Order quoted work against the reservation that pays for it. */
export function dispatchSandboxRun(
  deps: DispatchDeps,
  call: CommandCall,
  request: DispatchSandboxRunRequest,
): Promise<CommandReply> {
  return deps.authority.execute<DispatchSandboxRunResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const quote = await findQuote(command.tx, org, request.quoteId);
    if (quote === undefined) throw notFound("quote", request.quoteId);
    const run = await requireLockedRun(command.tx, org, quote.runId);
    const reservation = await lockReservation(command.tx, org, request.reservationId);
    if (reservation === undefined) throw notFound("reservation", request.reservationId);
    // After the run's lock, under which every job of the run is ordered.
    const earlier = await findJobByReservation(command.tx, reservation.reservationId);
    // Read without a lock: who leaves at this moment claims nothing any more, so that its buyer can void.
    const provider = await findWorker(command.tx, quote.providerWorkerId);
    const nowMs = command.nowMs();
    const refused =
      refuseDispatch(quote, reservation, isFinished(run.status), nowMs) ??
      (earlier === undefined ? undefined : "already_dispatched");
    if (refused !== undefined || !takesJobs(provider)) {
      const reason = refused ?? "provider_unavailable";
      return { kind: "refused", rule: "state", reason, detail: DISPATCH_DETAILS[reason] };
    }

    const jobId = newId("job", nowMs);
    const facts = {
      run_id: run.runId,
      job_id: jobId,
      job_hash: quote.jobHash,
      quote_id: quote.quoteId,
      quote_receipt_id: quote.receiptId,
      reservation_id: reservation.reservationId,
      reservation_receipt_id: reservation.receiptId,
      provider_worker_id: quote.providerWorkerId,
      purpose: "work",
      repeats: 1,
      spec: specFacts(quote.spec),
    };
    const receipt = command.seal("openagents.runtime.job_dispatched.v1", run.runId, facts, nowMs);
    const job = queuedJob(
      {
        jobId,
        org,
        runId: run.runId,
        jobHash: quote.jobHash,
        purpose: "work",
        primaryJobId: undefined,
        repeats: 1,
        quoteId: quote.quoteId,
        reservationId: reservation.reservationId,
        providerWorkerId: quote.providerWorkerId,
        providerOrg: quote.providerOrg,
        priceMsats: quote.priced.priceMsats,
        spec: quote.spec,
        inputs: inputsOf(quote.spec),
        dispatchReceiptId: receipt.receipt_id,
      },
      nowMs,
      request.fallback ?? "market",
    );
    intendPush(command, provider, job, nowMs);
    const event = { eventType: "job.dispatched", payload: { ...facts, receipt_id: receipt.receipt_id } };
    return {
      kind: "answer",
      output: { job: jobMessage(job), receiptId: receipt.receipt_id },
      writes: [
        insertJob(job),
        countMarket(
          quote.capability,
          [org, job.providerWorkerId].map((party) => ({ party, measure: "dispatched" })),
          nowMs,
        ),
        ...extendRun(run, [event], nowMs).writes,
      ],
      afterCommit: () => deps.offers.announce(job.providerWorkerId),
    };
  });
}

function refuseDispatch(
  quote: Quote,
  reservation: Reservation,
  runFinished: boolean,
  nowMs: number,
): DispatchRefusal | undefined {
  if (reservation.quoteId !== quote.quoteId) return "reservation_for_another_quote";
  if (reservation.status !== "reserved") return "reservation_not_reserved";
  if (nowMs >= quote.validUntilMs) return "quote_expired";
  if (runFinished) return "run_finished";
  return undefined;
}

/** Whether the quote's provider is still in the market. */
function takesJobs(worker: Worker | undefined): worker is Worker {
  return worker?.status === "running" && !worker.quarantined;
}

const DISPATCH_DETAILS: Readonly<Record<DispatchRefusal, string>> = {
  reservation_for_another_quote: "The reservation was made for another quote. Reserve for this one.",
  reservation_not_reserved: "The reservation is not open any more. Reserve again.",
  quote_expired: "The quote has expired. Void the reservation and ask for a new quote.",
  run_finished: "The run has ended and orders no more work.",
  already_dispatched: "This quote was dispatched already. Look at its job instead.",
  provider_unavailable:
    "The quote's provider has stopped, or was disabled. Void the reservation and ask for a new quote.",
};
