import { newId, type Authority, type Outcome, type ReceiptSigner } from "@openagents/authority";
import type { CommandCall, CommandReply, QuotePanelRequest, QuotePanelResponse } from "@openagents/contracts";
import { invalidField } from "@openagents/service";
import { listBlockersOf } from "../blocks/index.ts";
import { capabilityOf, jobHashOf, type OpinionSpec } from "../jobs/index.ts";
import {
  CANDIDATES_MAX,
  QUOTE_TTL_MS,
  checkInputs,
  decideMembers,
  insertQuote,
  jobTypeOf,
  keepInputs,
  loadMarketFacts,
  quoteMessage,
  signTerms,
  supplyClassOf,
  totalPrice,
  type InputsDeps,
  type Quote,
  type QuoteTerms,
} from "../marketplace/index.ts";
import { countMarket } from "../market-counts/index.ts";
import { extendRun, isFinished, requireLockedRun } from "../runs/index.ts";
import { STALE_AFTER_MS, listFreshProviders } from "../workers/index.ts";
import { decideTerms } from "./decide-order.ts";
import { panelMessage, type Panel } from "./panel.ts";
import { insertPanel } from "./store.ts";

export type QuotePanelDeps = InputsDeps & { readonly authority: Authority; readonly signer: ReceiptSigner };

/** In order of precedence. */
type QuoteRefusal = "run_finished" | "judge_not_configured" | "merge_unsupported" | "too_few_owners";

/** How long answers are waited for when the buyer does not say. */
const DECIDE_MS = 3_600_000;

/** Select an owner for each copy, and fix the price of each and of all. Refused as `QuoteRefusal` lists. */
export async function quotePanel(
  deps: QuotePanelDeps,
  call: CommandCall,
  request: QuotePanelRequest,
): Promise<CommandReply> {
  const spec = specOf(request);
  const { org } = call.principal;
  const market = request.market ?? false;
  const capability = capabilityOf(spec);
  const decided = decideTerms(request, jobTypeOf(capability));
  // Looked at outside of the transaction, thrown inside: a repeat of a finished quote answers its bytes.
  const { problem, lapsing } = await checkInputs(deps, org, spec, market);
  return deps.authority.execute<QuotePanelResponse>(call, request, async (command) => {
    const run = await requireLockedRun(command.tx, org, request.runId);
    if (decided.kind === "problem")
      throw invalidField(decided.field, `${decided.field}_impossible`, decided.detail);
    if (problem !== undefined) throw problem;
    if (isFinished(run.status)) return refuse("run_finished", `The run is ${run.status}.`);
    if (decided.kind === "refused") return refuse(decided.reason, NEXT[decided.reason]);
    await keepInputs(command.tx, org, lapsing, command.nowMs());

    const { terms } = decided;
    const nowMs = command.nowMs();
    const workers = await listFreshProviders(command.tx, nowMs - STALE_AFTER_MS, CANDIDATES_MAX);
    const orgs = workers.map((worker) => worker.org);
    const order = {
      capability,
      spec,
      buyerOrg: org,
      market,
      redundancy: terms.redundancy,
      ownDevices: request.ownDevices ?? false,
      policy: request.policy ?? "cheapest",
      payOn: request.payOn ?? "outcome",
      facts: await loadMarketFacts(command.tx, workers),
      blockedBy: await listBlockersOf(command.tx, org, orgs),
    } as const;
    const { members, losers } = decideMembers(workers, order, nowMs);
    const counted = (measure: "quoted" | "unfilled") =>
      countMarket(capability, [{ party: org, measure }], nowMs);
    if (members.length < terms.redundancy) {
      const reasons = losers.map((loser) => `${loser.workerId}: ${loser.because}`).slice(0, 20);
      const detail = `${members.length} owners can be asked, and ${terms.redundancy} are wanted (${reasons.join("; ")}).`;
      return { ...refuse("too_few_owners", detail), writes: [counted("unfilled")] };
    }

    const panelId = newId("pnl", nowMs);
    const quotes = members.map(({ worker, priced }) => {
      const unpriced = {
        quoteId: newId("qte", nowMs),
        runId: run.runId,
        capability,
        jobHash: jobHashOf(spec),
        payOn: order.payOn,
        policy: order.policy,
        market,
        supplyClass: supplyClassOf(worker),
        providerWorkerId: worker.workerId,
        providerOrg: worker.org,
        panelId,
        priced,
        secondOpinion: undefined,
        verificationPolicy: "always",
        sampling: undefined,
        issuedAtMs: nowMs,
        validUntilMs: nowMs + QUOTE_TTL_MS,
      } as const;
      const quoteTerms: QuoteTerms = { ...unpriced, expectedPriceMsats: totalPrice(unpriced) };
      const { sha256, signature, facts } = signTerms(quoteTerms, deps.signer);
      const receipt = command.seal("openagents.marketplace.quote.v1", run.runId, facts, nowMs);
      const quote: Quote = { ...quoteTerms, quoteSha256: sha256, org, spec, receiptId: receipt.receipt_id };
      const event = { eventType: "quote.selected", payload: { ...facts, receipt_id: receipt.receipt_id } };
      return { quote, signature, event };
    });
    const totalPriceMsats = quotes.reduce((sum, { quote }) => sum + totalPrice(quote), 0n);
    const decideByMs = nowMs + Number(request.decideMs ?? DECIDE_MS);
    const facts = {
      panel_id: panelId,
      run_id: run.runId,
      capability,
      job_hash: jobHashOf(spec),
      redundancy: terms.redundancy,
      quorum: terms.quorum,
      adjudication: terms.adjudication,
      pay_on: order.payOn,
      own_devices: order.ownDevices,
      quote_ids: quotes.map(({ quote }) => quote.quoteId),
      total_price_msats: Number(totalPriceMsats),
      decide_by: new Date(decideByMs).toISOString(),
      losers: losers.map(({ workerId, because }) => ({ provider_worker_id: workerId, because })),
    };
    const receipt = command.seal("openagents.marketplace.panel_quoted.v1", run.runId, facts, nowMs);
    const panel: Panel = {
      ...terms,
      panelId,
      org,
      runId: run.runId,
      capability,
      jobHash: facts.job_hash,
      status: "open",
      payOn: order.payOn,
      ownDevices: order.ownDevices,
      totalPriceMsats,
      createdAtMs: nowMs,
      decideByMs,
      reviewByMs: undefined,
      answerSha256: undefined,
      because: undefined,
      decidedBy: undefined,
      decidedAtMs: undefined,
      receiptId: receipt.receipt_id,
    };
    const quoted = { eventType: "panel.quoted", payload: { ...facts, receipt_id: receipt.receipt_id } };
    const copies = quotes.map(({ quote }) => ({
      quote,
      quoteId: quote.quoteId,
      quoteValidUntilMs: quote.validUntilMs,
      job: undefined,
      verdict: undefined,
    }));
    return {
      kind: "answer",
      output: {
        panel: panelMessage(panel, copies),
        quotes: quotes.map(({ quote, signature }) => quoteMessage(quote, signature)),
        losers: losers.map(({ workerId, because }) => ({ providerWorkerId: workerId, because })),
        receiptId: receipt.receipt_id,
      },
      writes: [
        insertPanel(panel),
        ...quotes.map(({ quote }) => insertQuote(quote)),
        counted("quoted"),
        ...extendRun(run, [...quotes.map(({ event }) => event), quoted], nowMs).writes,
      ],
    };
  });
}

function specOf({ codeChunkAnalysis, retrievalRerank }: QuotePanelRequest): OpinionSpec {
  const spec = codeChunkAnalysis ?? retrievalRerank;
  if (spec === undefined) throw new Error("the contract asks for one kind of work");
  return spec;
}

function refuse(reason: QuoteRefusal, detail: string): Extract<Outcome<never>, { kind: "refused" }> {
  return { kind: "refused", rule: "state", reason, detail };
}

const NEXT = {
  judge_not_configured:
    "No model is configured here that could judge. Ask for `majority_vote`; without a quorum a person of yours decides.",
  merge_unsupported:
    "Answers are not made into one here. Ask for `majority_vote`; without a quorum a person of yours decides.",
} as const;
