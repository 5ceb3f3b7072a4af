import type { Authority, Outcome } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  SettleSandboxRunRequest,
  SettleSandboxRunResponse,
} from "@openagents/contracts";
import {
  loadForTransfers,
  planTransfers,
  postingWrites,
  type Account,
  type TransferRequest,
} from "@openagents/ledger";
import type { Database, Tx } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { findJob, lockJob, settleJob, updateJob, type Job } from "../jobs/index.ts";
import { countMarket } from "../market-counts/index.ts";
import { findIncidentOf } from "../fraud/index.ts";
import { findQuote } from "../marketplace/index.ts";
import { endReservations, lockReservation } from "../reservations/index.ts";
import { extendRun, requireLockedRun } from "../runs/index.ts";
import { findReview, findSecondTerms, findVerification, type Verification } from "../verification/index.ts";
import { countSettled } from "../standings/index.ts";
import { insertStatementLines, withBalances, type StatementLine } from "../statements/index.ts";
import { recordJobEnds, type JobEnd } from "../workers/index.ts";
import { OPERATOR_FEES, earningsAccount, escrowAccount, orgAccount } from "./accounts.ts";
import { whyAwaited, type AwaitedDecision } from "./decide-incident-wait.ts";
import {
  decideSettlement,
  waitsForReview,
  type Price,
  type SettlementDecision,
} from "./decide-settlement.ts";
import { insertSettlement, settlementMessage, type Settlement } from "./settlement.ts";

export type SettleDeps = { readonly db: Database; readonly authority: Authority };

/**
 * Release or withhold a verified job's reservation. A patch that nobody reviewed
 * in the reservation's time is withheld, and so is what two runs disagree about and
 * nobody decided in its time. Refused, in this order: `job_not_work`, `already_settled`,
 * `job_not_verified`, `dispute_open`, `incident_undecided`, `needs_review`. The payment
 * receipt contains the verification receipt's hash.
 */
export function settleSandboxRun(
  deps: SettleDeps,
  call: CommandCall,
  request: SettleSandboxRunRequest,
): Promise<CommandReply> {
  return deps.authority.execute<SettleSandboxRunResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const seen = await findJob(command.tx, request.jobId);
    if (seen === undefined || seen.org !== org) throw notFound("job", request.jobId);
    const run = await requireLockedRun(command.tx, org, seen.runId);
    const job = await lockJob(command.tx, request.jobId);
    const { quoteId, reservationId } = job;
    if (job.purpose !== "work" || job.status !== "verified") return refuse(job);
    if (quoteId === undefined || reservationId === undefined)
      throw new Error(`${job.jobId} is work, and has no quote or no reservation`);
    const reservation = await lockReservation(command.tx, org, reservationId);
    const verification = await findVerification(command.tx, job.jobId);
    const review = await findReview(command.tx, job.jobId);
    const quote = await findQuote(command.tx, org, quoteId);
    if (reservation === undefined || verification === undefined || quote === undefined) {
      throw new Error(`${job.jobId} is verified but its reservation, verification or quote is missing`);
    }
    const incident = await findIncidentOf(command.tx, job.jobId);
    const awaited = whyAwaited(incident, reservation, command.nowMs());
    if (awaited !== undefined) return refuseAwaited(awaited);
    const isDue = command.nowMs() >= (reservation.expiresAtMs ?? Infinity);
    const waits = waitsForReview(verification, quote.payOn) && review === undefined;
    if (waits && !isDue) return refuseUnreviewed();
    const second = await findSecond(command.tx, verification);

    const asked = second === undefined ? undefined : await findSecondTerms(command.tx, second.jobId);
    const price = { ...quote, secondOpinion: asked ?? quote.secondOpinion };
    const charged = { firstMsats: job.chargedMsats, secondMsats: second?.chargedMsats };
    const reviewed = waits ? "expired" : review?.decision;
    const decision = decideSettlement(verification, reviewed, price, charged, incident);
    const transfers = transfersOf(job, second, { ...reservation, ...decision });
    const providers = second === undefined ? [job] : [job, second];
    // The earnings' accounts are locked also where nothing is paid, for their statements' sake.
    const accounts = providers.map(({ providerOrg }) => earningsAccount(providerOrg));
    if (decision.operatorFeeMsats > 0n) accounts.push(OPERATOR_FEES);
    const loaded = await loadForTransfers(command.tx, transfers, command.nowMs(), accounts);
    const nowMs = command.nowMs();
    const plan = planTransfers(loaded, transfers, nowMs);
    const unmade = plan.results.find((result) => result.kind !== "created");
    if (unmade !== undefined)
      throw new Error(`the ledger did not settle ${job.jobId}: ${JSON.stringify(unmade)}`);

    const status = decision.withheldReason === undefined ? "released" : "withheld";
    const facts = {
      run_id: run.runId,
      job_id: job.jobId,
      job_hash: job.jobHash,
      quote_id: quote.quoteId,
      reservation_id: reservation.reservationId,
      provider_worker_id: job.providerWorkerId,
      rail: "internal_ledger",
      asset_id: "demo_msats",
      status,
      pay_on: quote.payOn,
      quoted_price_msats: Number(quote.priced.priceMsats),
      ...(job.chargedMsats === undefined ? {} : { charged_msats: Number(job.chargedMsats) }),
      amount_msats: Number(decision.providerMsats),
      ...(second === undefined ? {} : { second_opinion_worker_id: second.providerWorkerId }),
      second_opinion_msats: Number(decision.secondOpinionMsats),
      operator_fee_msats: Number(decision.operatorFeeMsats),
      ...(decision.withheldReason === undefined ? {} : { withheld_reason: decision.withheldReason }),
      verification_receipt_id: verification.receiptId,
      verification_receipt_sha256: verification.receiptSha256,
      ...(review === undefined ? {} : { review_receipt_id: review.receiptId }),
      // One about broken rules moves no money.
      ...(incident === undefined || incident.kind === "violation"
        ? {}
        : {
            incident_id: incident.incidentId,
            ...(incident.outcome === undefined ? {} : { incident_outcome: incident.outcome }),
          }),
    };
    const receipt = command.seal("openagents.treasury.payment_receipt.v2", run.runId, facts, nowMs);
    const settlement: Settlement = {
      jobId: job.jobId,
      org,
      reservationId: reservation.reservationId,
      status,
      payOn: quote.payOn,
      providerMsats: decision.providerMsats,
      secondOpinionMsats: decision.secondOpinionMsats,
      operatorFeeMsats: decision.operatorFeeMsats,
      withheldReason: decision.withheldReason,
      verificationReceiptId: verification.receiptId,
      receiptId: receipt.receipt_id,
      settledAtMs: nowMs,
    };
    const event = {
      eventType: status === "released" ? "payment.released" : "payment.withheld",
      payload: { ...facts, receipt_id: receipt.receipt_id },
    };
    return {
      kind: "answer",
      output: { settlement: settlementMessage(settlement), receiptId: receipt.receipt_id },
      writes: [
        insertSettlement(settlement),
        insertStatementLines(
          job.jobId,
          withBalances(linesOf(job, second, price, decision), (earner) =>
            balanceOf(plan.accounts.get(earningsAccount(earner).id)),
          ),
          nowMs,
        ),
        countSettled(org),
        ...endReservations([
          { reservationId: reservation.reservationId, status, spentMsats: spentMsats(decision) },
        ]),
        updateJob(settleJob(job, "settled", nowMs)),
        ...(second?.status === "verified" ? [updateJob(settleJob(second, "settled", nowMs))] : []),
        ...postingWrites(loaded, plan, receipt.receipt_id),
        countMarket(
          quote.capability,
          [org, job.providerWorkerId].map((party) => ({ party, measure: status })),
          nowMs,
        ),
        recordJobEnds(endsOf(job, second, verification, decision)),
        ...extendRun(run, [event], nowMs).writes,
      ],
    };
  });
}

/** What the settlement says of the workers: who could not do a job or broke its rules was at fault. */
function endsOf(
  job: Job,
  second: Job | undefined,
  verification: Verification,
  decision: SettlementDecision,
): JobEnd[] {
  const isUndone = ({ failure }: Job) => failure !== undefined;
  const first = {
    workerId: job.providerWorkerId,
    faulty: verification.violations.length > 0 || isUndone(job),
    released: decision.withheldReason === undefined,
  };
  // One that was called off says nothing of its worker.
  if (second === undefined || second.status === "canceled") return [first];
  const released = decision.secondWithheldReason === undefined;
  return [first, { workerId: second.providerWorkerId, faulty: isUndone(second), released }];
}

/** One for each run that was not called off. */
function linesOf(
  job: Job,
  second: Job | undefined,
  price: Price,
  decision: SettlementDecision,
): Omit<StatementLine, "balanceMsats">[] {
  const first = {
    jobId: job.jobId,
    org: job.providerOrg,
    workerId: job.providerWorkerId,
    quotedMsats: price.priced.priceMsats,
    earnedMsats: decision.providerMsats,
    operatorFeeMsats: decision.operatorFeeMsats - decision.secondFeeMsats,
    withheldReason: decision.withheldReason,
  };
  if (second === undefined || second.status === "canceled") return [first];
  return [
    first,
    {
      jobId: second.jobId,
      org: second.providerOrg,
      workerId: second.providerWorkerId,
      quotedMsats: price.secondOpinion?.priceMsats ?? 0n,
      earnedMsats: decision.secondOpinionMsats,
      operatorFeeMsats: decision.secondFeeMsats,
      withheldReason: decision.secondWithheldReason,
    },
  ];
}

function balanceOf(account: Account | undefined): bigint {
  if (account === undefined) throw new Error("the ledger did not lock the earnings that it settled");
  return account.creditsPosted - account.debitsPosted;
}

function spentMsats(decision: SettlementDecision): bigint {
  return decision.providerMsats + decision.secondOpinionMsats + decision.operatorFeeMsats;
}

/** The job that repeated the work. It changes only under the run's lock, which is held. */
async function findSecond(tx: Tx, { secondJobId }: Verification): Promise<Job | undefined> {
  if (secondJobId === undefined) return undefined;
  return lockJob(tx, secondJobId);
}

/** Linked, so that a provider is never paid without the buyer's reservation being used, nor the reverse. */
function transfersOf(
  job: Job,
  second: Job | undefined,
  money: SettlementDecision & { readonly reservationId: string; readonly amountMsats: bigint },
): TransferRequest[] {
  const pending = {
    pendingId: money.reservationId,
    debitAccount: orgAccount(job.org).id,
    creditAccount: escrowAccount(job.org).id,
    unit: "msats",
  } as const;
  const fromEscrow = { kind: "posted", debitAccount: escrowAccount(job.org).id, unit: "msats" } as const;
  const shares: TransferRequest[] = [
    {
      ...fromEscrow,
      id: `${job.jobId}:provider`,
      creditAccount: earningsAccount(job.providerOrg).id,
      amount: money.providerMsats,
    },
    {
      ...fromEscrow,
      id: `${job.jobId}:second`,
      creditAccount: earningsAccount(second?.providerOrg ?? job.providerOrg).id,
      amount: second === undefined ? 0n : money.secondOpinionMsats,
    },
    {
      ...fromEscrow,
      id: `${job.jobId}:fee`,
      creditAccount: OPERATOR_FEES.id,
      amount: money.operatorFeeMsats,
    },
  ];
  // A fee of nothing moves nothing.
  const moving = shares.filter((share) => share.amount > 0n);
  const amount = moving.reduce((sum, share) => sum + share.amount, 0n);
  if (amount === 0n)
    return [{ ...pending, id: `${job.jobId}:withhold`, kind: "void", amount: money.amountMsats }];
  // Posting a part gives the rest back to the buyer.
  return [{ ...pending, id: `${job.jobId}:post`, kind: "post", amount } as const, ...moving].map(
    linkAllButLast,
  );
}

function linkAllButLast(
  transfer: TransferRequest,
  index: number,
  all: readonly TransferRequest[],
): TransferRequest {
  return index < all.length - 1 ? { ...transfer, linked: true } : transfer;
}

function refuseAwaited({ reason, incidentId, untilMs }: AwaitedDecision): Outcome<never> {
  const until = untilMs === undefined ? "" : `, or after ${new Date(untilMs).toISOString()}`;
  const doubt = reason === "dispute_open" ? "The report is disputed" : "Two runs of the work disagree";
  return {
    kind: "refused",
    rule: "state",
    reason,
    detail: `${doubt}. Settle under a new key once ${incidentId} is decided by the operator's own run${until}; the money stays reserved.`,
  };
}

function refuseUnreviewed(): Outcome<never> {
  return {
    kind: "refused",
    rule: "state",
    reason: "needs_review",
    detail:
      "The patch changes what decides whether it passes. Accept or reject it first; the money stays reserved.",
  };
}

function refuse(job: Job): Outcome<never> {
  if (job.purpose !== "work") {
    return {
      kind: "refused",
      rule: "state",
      reason: "job_not_work",
      detail: `This job repeats ${job.primaryJobId ?? "another"} and is paid with it. Settle that one.`,
    };
  }
  const settled = job.status === "settled" || job.status === "canceled";
  return {
    kind: "refused",
    rule: "state",
    reason: settled ? "already_settled" : "job_not_verified",
    detail: settled
      ? `The job is ${job.status}; its money has moved already.`
      : `The job is ${job.status}. Money is released only after the verification; verify it first.`,
  };
}
