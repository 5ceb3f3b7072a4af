import type { Authority, Outcome } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  SettleSandboxRunRequest,
  SettleSandboxRunResponse,
} from "@openagents/contracts";
import { loadForTransfers, planTransfers, postingWrites, type TransferRequest } from "@openagents/ledger";
import type { Database } from "@openagents/postgres";
import { findJob, lockJob, updateJob, type Job } from "../jobs/index.ts";
import { findQuote } from "../marketplace/index.ts";
import { notFound } from "../problems.ts";
import { lockReservation, markReservation } from "../reservations/index.ts";
import { extendRun, requireLockedRun } from "../runs/index.ts";
import { findVerification } from "../verification/index.ts";
import { OPERATOR_FEES, earningsAccount, escrowAccount, orgAccount } from "./accounts.ts";
import { decideSettlement, type SettlementDecision } from "./decide-settlement.ts";
import { insertSettlement, settlementMessage, type Settlement } from "./settlement.ts";

export type SettleDeps = { readonly db: Database; readonly authority: Authority };

/**
 * Release or withhold a verified job's reservation. Refused: `job_not_verified`,
 * `already_settled`. The payment receipt contains the verification receipt's hash.
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
    if (job.status !== "verified") return refuse(job);
    const reservation = await lockReservation(command.tx, org, job.reservationId);
    const verification = await findVerification(command.tx, job.jobId);
    const quote = await findQuote(command.tx, org, job.quoteId);
    if (reservation === undefined || verification === undefined || quote === undefined) {
      throw new Error(`${job.jobId} is verified but its reservation, verification or quote is missing`);
    }

    const decision = decideSettlement(verification, quote);
    const transfers = transfersOf(job, reservation.amountMsats, decision);
    const accounts = [earningsAccount(job.providerOrg), OPERATOR_FEES];
    const loaded = await loadForTransfers(command.tx, transfers, command.nowMs(), accounts);
    const nowMs = command.nowMs();
    const plan = planTransfers(loaded, transfers, nowMs);
    const unmade = plan.results.find((result) => result.kind !== "created");
    if (unmade !== undefined)
      throw new Error(`the ledger did not settle ${job.jobId}: ${JSON.stringify(unmade)}`);

    const released = decision.kind === "release";
    const facts = {
      run_id: run.runId,
      job_id: job.jobId,
      job_hash: job.jobHash,
      quote_id: quote.quoteId,
      reservation_id: reservation.reservationId,
      provider_worker_id: job.providerWorkerId,
      rail: "internal_ledger",
      asset_id: "demo_msats",
      status: released ? "released" : "withheld",
      amount_msats: released ? Number(decision.providerMsats) : 0,
      operator_fee_msats: released ? Number(decision.operatorFeeMsats) : 0,
      ...(released ? {} : { withheld_reason: decision.reason }),
      verification_receipt_id: verification.receiptId,
      verification_receipt_sha256: verification.receiptSha256,
    };
    const receipt = command.seal("openagents.treasury.payment_receipt.v2", run.runId, facts, nowMs);
    const settlement: Settlement = {
      jobId: job.jobId,
      org,
      reservationId: reservation.reservationId,
      status: released ? "released" : "withheld",
      providerMsats: released ? decision.providerMsats : 0n,
      operatorFeeMsats: released ? decision.operatorFeeMsats : 0n,
      withheldReason: released ? undefined : decision.reason,
      verificationReceiptId: verification.receiptId,
      receiptId: receipt.receipt_id,
      settledAtMs: nowMs,
    };
    const event = {
      eventType: released ? "payment.released" : "payment.withheld",
      payload: { ...facts, receipt_id: receipt.receipt_id },
    };
    return {
      kind: "answer",
      output: { settlement: settlementMessage(settlement), receiptId: receipt.receipt_id },
      writes: [
        insertSettlement(settlement),
        markReservation(
          reservation.reservationId,
          settlement.status === "released" ? "released" : "withheld",
        ),
        updateJob({ ...job, status: "settled", updatedAtMs: nowMs }),
        ...postingWrites(loaded, plan, receipt.receipt_id),
        ...extendRun(run, [event], nowMs).writes,
      ],
    };
  });
}

/** Linked, so that a provider is never paid without the buyer's reservation being used, nor the reverse. */
function transfersOf(job: Job, reservedMsats: bigint, decision: SettlementDecision): TransferRequest[] {
  const pending = {
    pendingId: job.reservationId,
    debitAccount: orgAccount(job.org).id,
    creditAccount: escrowAccount(job.org).id,
    amount: reservedMsats,
    unit: "msats",
  } as const;
  if (decision.kind === "withhold") return [{ ...pending, id: `${job.jobId}:withhold`, kind: "void" }];
  const fromEscrow = { kind: "posted", debitAccount: escrowAccount(job.org).id, unit: "msats" } as const;
  const shares: TransferRequest[] = [
    {
      ...fromEscrow,
      id: `${job.jobId}:provider`,
      creditAccount: earningsAccount(job.providerOrg).id,
      amount: decision.providerMsats,
    },
    {
      ...fromEscrow,
      id: `${job.jobId}:fee`,
      creditAccount: OPERATOR_FEES.id,
      amount: decision.operatorFeeMsats,
    },
  ];
  // A free provider or a fee of nothing moves nothing.
  const moving = shares.filter((share) => share.amount > 0n);
  return [{ ...pending, id: `${job.jobId}:post`, kind: "post" } as const, ...moving].map(linkAllButLast);
}

function linkAllButLast(
  transfer: TransferRequest,
  index: number,
  all: readonly TransferRequest[],
): TransferRequest {
  return index < all.length - 1 ? { ...transfer, linked: true } : transfer;
}

function refuse(job: Job): Outcome<never> {
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
