import { newId, type Authority, type Outcome } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  DispatchSandboxRunRequest,
  DispatchSandboxRunResponse,
  Quote as QuoteMessage,
  QuoteSandboxRunRequest,
  QuoteSandboxRunResponse,
} from "@openagents/contracts";
import {
  findJobByReservation,
  inputsOf,
  insertJob,
  jobHashOf,
  jobMessage,
  queuedJob,
  specFacts,
  type Offers,
} from "../jobs/index.ts";
import type { Tx } from "@openagents/postgres";
import { notFound } from "../problems.ts";
import { lockReservation, type Reservation } from "../reservations/index.ts";
import { extendRun, isFinished, requireLockedRun } from "../runs/index.ts";
import { expectedPrice, samplingTerms } from "../sampling/index.ts";
import { findAgreeing } from "../standings/index.ts";
import { STALE_AFTER_MS, findWorker, listFreshProviders } from "../workers/index.ts";
import { findInputProblem, type InputsDeps } from "./check-inputs.ts";
import { decideSelection, type Selection } from "./decide-selection.ts";
import {
  CANDIDATES_MAX,
  QUOTE_TTL_MS,
  SANDBOX_RUN,
  operatorFee,
  quoteSha256,
  samplingFacts,
  secondFacts,
  totalPrice,
  type Quote,
} from "./quote.ts";
import { findQuote, insertQuote } from "./store.ts";

export type MarketplaceDeps = InputsDeps & { readonly authority: Authority; readonly offers: Offers };

/**
 * Select a provider and the one that repeats its run, and fix the price of both.
 * Refused: `run_finished`, `no_second_opinion_provider`, `no_eligible_provider`.
 */
export async function quoteSandboxRun(
  deps: MarketplaceDeps,
  call: CommandCall,
  request: QuoteSandboxRunRequest,
): Promise<CommandReply> {
  // Looked at outside of the transaction, thrown inside: a repeat of a finished quote answers its bytes.
  const market = request.market ?? false;
  const problem = await findInputProblem(deps, call.principal.org, request.spec, market);
  return deps.authority.execute<QuoteSandboxRunResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const run = await requireLockedRun(command.tx, org, request.runId);
    if (problem !== undefined) throw problem;
    if (isFinished(run.status)) return refuseFinished(run.status);

    const nowMs = command.nowMs();
    const workers = await listFreshProviders(command.tx, nowMs - STALE_AFTER_MS, CANDIDATES_MAX);
    const order = {
      capability: SANDBOX_RUN,
      spec: request.spec,
      buyerOrg: org,
      market,
      secondOpinion: request.secondOpinion ?? "any",
    } as const;
    const selection = decideSelection(workers, order, nowMs);
    if (selection.winner === undefined || selection.second === undefined) return refuseNoProvider(selection);
    const { worker: secondWorker, assurance } = selection.second;

    const verificationPolicy = request.verificationPolicy ?? "always";
    const sampled = verificationPolicy === "sampled";
    const unpriced = {
      quoteId: newId("qte", nowMs),
      runId: run.runId,
      capability: SANDBOX_RUN,
      jobHash: jobHashOf(request.spec),
      providerWorkerId: selection.winner.workerId,
      providerOrg: selection.winner.org,
      providerPriceMsats: selection.winner.priceMsats,
      operatorFeeMsats: operatorFee(selection.winner.priceMsats),
      secondOpinion: {
        workerId: secondWorker.workerId,
        org: secondWorker.org,
        assurance,
        priceMsats: secondWorker.priceMsats,
        feeMsats: operatorFee(secondWorker.priceMsats),
      },
      verificationPolicy,
      sampling: sampled ? await samplingTerms(command.tx, call) : undefined,
      issuedAtMs: nowMs,
      validUntilMs: nowMs + QUOTE_TTL_MS,
    };
    const rerun = {
      policy: verificationPolicy,
      agreeingJobs: sampled ? await findAgreeing(command.tx, selection.winner.org) : 0,
      strikes: selection.winner.strikes,
      zoneTenths: selection.winner.zoneTenths,
      totalPriceMsats: totalPrice(unpriced),
    };
    const { priceMsats, feeMsats } = unpriced.secondOpinion;
    const terms = { ...unpriced, expectedPriceMsats: expectedPrice(rerun, priceMsats + feeMsats) };
    const priced = { ...terms, quoteSha256: quoteSha256(terms) };
    const facts = {
      run_id: run.runId,
      quote_id: priced.quoteId,
      quote_sha256: priced.quoteSha256,
      capability: SANDBOX_RUN,
      job_hash: priced.jobHash,
      provider_worker_id: priced.providerWorkerId,
      provider_price_msats: Number(priced.providerPriceMsats),
      operator_fee_msats: Number(priced.operatorFeeMsats),
      second_opinion: secondFacts(priced.secondOpinion),
      ...samplingFacts(priced),
      total_price_msats: Number(totalPrice(priced)),
      ...(market ? { market } : {}),
      valid_until: new Date(priced.validUntilMs).toISOString(),
    };
    const losers = selection.losers.map((loser) => ({
      provider_worker_id: loser.workerId,
      because: loser.because,
    }));
    const receipt = command.seal("openagents.marketplace.quote.v1", run.runId, { ...facts, losers }, nowMs);
    const quote: Quote = { ...priced, org, spec: request.spec, market, receiptId: receipt.receipt_id };
    const event = {
      eventType: "quote.selected",
      payload: { ...facts, losers, receipt_id: receipt.receipt_id },
    };
    return {
      kind: "answer",
      output: {
        quote: quoteMessage(quote),
        losers: selection.losers.map((loser) => ({
          providerWorkerId: loser.workerId,
          because: loser.because,
        })),
        receiptId: receipt.receipt_id,
      },
      writes: [insertQuote(quote), ...extendRun(run, [event], nowMs).writes],
    };
  });
}

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
  deps: MarketplaceDeps,
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
    const nowMs = command.nowMs();
    const refused =
      refuseDispatch(quote, reservation, isFinished(run.status), nowMs) ??
      (earlier === undefined ? undefined : "already_dispatched") ??
      ((await takesJobs(command.tx, quote.providerWorkerId)) ? undefined : "provider_unavailable");
    if (refused !== undefined) {
      return { kind: "refused", rule: "state", reason: refused, detail: DISPATCH_DETAILS[refused] };
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
        spec: quote.spec,
        inputs: inputsOf(quote.spec),
        dispatchReceiptId: receipt.receipt_id,
      },
      nowMs,
    );
    const event = { eventType: "job.dispatched", payload: { ...facts, receipt_id: receipt.receipt_id } };
    return {
      kind: "answer",
      output: { job: jobMessage(job), receiptId: receipt.receipt_id },
      writes: [insertJob(job), ...extendRun(run, [event], nowMs).writes],
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

/**
 * Whether the quote's provider is still in the market. Read without a lock: who
 * leaves at this moment claims nothing any more, so that its buyer can void.
 */
async function takesJobs(tx: Tx, workerId: string): Promise<boolean> {
  const worker = await findWorker(tx, workerId);
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

function refuseFinished(status: string): Outcome<never> {
  return {
    kind: "refused",
    rule: "state",
    reason: "run_finished",
    detail: `The run is ${status} and orders no more work.`,
  };
}

function refuseNoProvider(selection: Selection): Outcome<never> {
  const reasons = selection.losers.map((loser) => `${loser.workerId}: ${loser.because}`).slice(0, 20);
  const alone = selection.losers.some((loser) => loser.because === "no_second_opinion");
  return {
    kind: "refused",
    rule: "state",
    reason: alone ? "no_second_opinion_provider" : "no_eligible_provider",
    detail:
      reasons.length === 0
        ? "No provider is running now. Start one, then ask again with a new key."
        : alone
          ? `Nobody can run the work a second time beside the provider that would do it (${reasons.join("; ")}). Start another one, or ask for another kind of second opinion.`
          : `No running provider can take this job (${reasons.join("; ")}).`,
  };
}

function quoteMessage(quote: Quote): QuoteMessage {
  return {
    quoteId: quote.quoteId,
    runId: quote.runId,
    jobHash: quote.jobHash,
    capability: quote.capability,
    providerWorkerId: quote.providerWorkerId,
    providerPriceMsats: quote.providerPriceMsats,
    operatorFeeMsats: quote.operatorFeeMsats,
    totalPriceMsats: totalPrice(quote),
    issuedAt: quote.issuedAtMs,
    validUntil: quote.validUntilMs,
    quoteSha256: quote.quoteSha256,
    secondOpinion: secondMessage(quote),
    verificationPolicy: quote.verificationPolicy,
    sampling: quote.sampling,
    expectedPriceMsats: quote.expectedPriceMsats,
  };
}

function secondMessage({ quoteId, secondOpinion }: Quote): QuoteMessage["secondOpinion"] {
  if (secondOpinion === undefined) throw new Error(`${quoteId} was made without a second opinion`);
  return {
    providerWorkerId: secondOpinion.workerId,
    assurance: secondOpinion.assurance,
    providerPriceMsats: secondOpinion.priceMsats,
    operatorFeeMsats: secondOpinion.feeMsats,
  };
}
