import { newId, type Authority, type Outcome, type ReceiptSigner } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  QuoteRepoIndexRequest,
  QuoteRepoIndexResponse,
  QuoteSandboxRunRequest,
  QuoteSandboxRunResponse,
} from "@openagents/contracts";
import type { Tx, Write } from "@openagents/postgres";
import { listBlockersOf } from "../blocks/index.ts";
import { capabilityOf, countOpenJobs, jobHashOf } from "../jobs/index.ts";
import { countMarket } from "../market-counts/index.ts";
import { extendRun, isFinished, requireLockedRun } from "../runs/index.ts";
import { expectedPrice, samplingTerms } from "../sampling/index.ts";
import { findAgreeing } from "../standings/index.ts";
import { STALE_AFTER_MS, listFreshProviders, listProviderRecords, type Worker } from "../workers/index.ts";
import { checkInputs, keepInputs, type InputsDeps } from "./check-inputs.ts";
import { decideSelection, type Selection } from "./decide-selection.ts";
import type { MarketFacts } from "./offers.ts";
import { supplyClassOf } from "./price.ts";
import {
  CANDIDATES_MAX,
  QUOTE_TTL_MS,
  quoteMessage,
  signTerms,
  totalPrice,
  type Quote,
  type QuoteTerms,
} from "./quote.ts";
import { insertQuote } from "./store.ts";

type QuoteResponse = QuoteSandboxRunResponse | QuoteRepoIndexResponse;

export type QuoteDeps = InputsDeps & { readonly authority: Authority; readonly signer: ReceiptSigner };

/**
 * Select a provider and the one that repeats its work, and fix the price of both.
 * Refused: `run_finished`, `no_second_opinion_provider`, `no_eligible_provider`.
 */
export async function quoteWork(
  deps: QuoteDeps,
  call: CommandCall,
  request: QuoteSandboxRunRequest | QuoteRepoIndexRequest,
): Promise<CommandReply> {
  // Looked at outside of the transaction, thrown inside: a repeat of a finished quote answers its bytes.
  const market = request.market ?? false;
  const capability = capabilityOf(request.spec);
  const { problem, lapsing } = await checkInputs(deps, call.principal.org, request.spec, market);
  return deps.authority.execute<QuoteResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const run = await requireLockedRun(command.tx, org, request.runId);
    if (problem !== undefined) throw problem;
    await keepInputs(command.tx, org, lapsing, command.nowMs());
    if (isFinished(run.status)) return refuseFinished(run.status);

    const nowMs = command.nowMs();
    const workers = await listFreshProviders(command.tx, nowMs - STALE_AFTER_MS, CANDIDATES_MAX);
    const order = {
      capability,
      spec: request.spec,
      buyerOrg: org,
      secondOpinion: request.secondOpinion ?? "any",
      policy: request.policy ?? "cheapest",
      payOn: request.payOn ?? "outcome",
      market,
      facts: await loadMarketFacts(command.tx, workers),
      blockedBy: await listBlockersOf(
        command.tx,
        org,
        workers.map((worker) => worker.org),
      ),
    } as const;
    const selection = decideSelection(workers, order, nowMs);
    const { winner, second } = selection;
    if (winner === undefined || second === undefined)
      return refuseNoProvider(selection, [
        countMarket(capability, [{ party: org, measure: "unfilled" }], nowMs),
      ]);

    const verificationPolicy = request.verificationPolicy ?? "always";
    const sampled = verificationPolicy === "sampled";
    const unpriced = {
      quoteId: newId("qte", nowMs),
      runId: run.runId,
      capability,
      jobHash: jobHashOf(request.spec),
      payOn: order.payOn,
      policy: order.policy,
      market,
      supplyClass: supplyClassOf(winner.worker),
      providerWorkerId: winner.worker.workerId,
      providerOrg: winner.worker.org,
      panelId: undefined,
      priced: winner.priced,
      secondOpinion: {
        workerId: second.worker.workerId,
        org: second.worker.org,
        assurance: second.assurance,
        priceMsats: second.priced.priceMsats,
        feeMsats: second.priced.feeMsats,
      },
      verificationPolicy,
      sampling: sampled ? await samplingTerms(command.tx, call) : undefined,
      issuedAtMs: nowMs,
      validUntilMs: nowMs + QUOTE_TTL_MS,
    };
    const rerun = {
      policy: verificationPolicy,
      agreeingJobs: sampled ? await findAgreeing(command.tx, winner.worker.org) : 0,
      strikes: winner.worker.strikes,
      zoneTenths: winner.worker.zoneTenths,
      totalPriceMsats: totalPrice(unpriced),
    };
    const { priceMsats, feeMsats } = unpriced.secondOpinion;
    const terms: QuoteTerms = {
      ...unpriced,
      expectedPriceMsats: expectedPrice(rerun, priceMsats + feeMsats),
    };
    const { sha256, signature, facts: signed } = signTerms(terms, deps.signer);
    const facts = {
      ...signed,
      losers: selection.losers.map((loser) => ({
        provider_worker_id: loser.workerId,
        because: loser.because,
      })),
    };
    const receipt = command.seal("openagents.marketplace.quote.v1", run.runId, facts, nowMs);
    const quote: Quote = {
      ...terms,
      quoteSha256: sha256,
      org,
      spec: request.spec,
      receiptId: receipt.receipt_id,
    };
    const event = { eventType: "quote.selected", payload: { ...facts, receipt_id: receipt.receipt_id } };
    return {
      kind: "answer",
      output: {
        quote: quoteMessage(quote, signature),
        losers: selection.losers.map((loser) => ({
          providerWorkerId: loser.workerId,
          because: loser.because,
        })),
        receiptId: receipt.receipt_id,
      },
      writes: [
        insertQuote(quote),
        countMarket(capability, [{ party: org, measure: "quoted" }], nowMs),
        ...extendRun(run, [event], nowMs).writes,
      ],
    };
  });
}

/** What is known of the workers beside what they say. */
export async function loadMarketFacts(tx: Tx, workers: readonly Worker[]): Promise<MarketFacts> {
  const rising = workers.filter((worker) => worker.priceBands.some((band) => band.stepMsats !== undefined));
  const [records, openJobs] = await Promise.all([
    listProviderRecords(
      tx,
      workers.map(({ workerId }) => workerId),
    ),
    countOpenJobs(
      tx,
      rising.map(({ workerId }) => workerId),
    ),
  ]);
  return { records, openJobs };
}

function refuseFinished(status: string): Outcome<never> {
  return {
    kind: "refused",
    rule: "state",
    reason: "run_finished",
    detail: `The run is ${status} and orders no more work.`,
  };
}

function refuseNoProvider(selection: Selection, writes: readonly Write[]): Outcome<never> {
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
    writes,
  };
}
