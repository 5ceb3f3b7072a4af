import {
  newId,
  type Authority,
  type Command,
  type Decided,
  type Decision,
  type Outcome,
} from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  ReserveComputeRequest,
  ReserveComputeResponse,
  VoidReservationRequest,
  VoidReservationResponse,
} from "@openagents/contracts";
import {
  loadForTransfers,
  planTransfers,
  postingWrites,
  type Loaded,
  type Plan,
  type TransferRequest,
} from "@openagents/ledger";
import {
  findJobByQuote,
  findJobByReservation,
  isTaken,
  lockJob,
  settleJob,
  updateJob,
  type Job,
} from "../jobs/index.ts";
import { findQuote, totalPrice } from "../marketplace/index.ts";
import { invalidField, notFound } from "../problems.ts";
import {
  findReservation,
  findReservationOfQuote,
  insertReservation,
  lockReservation,
  markReservation,
  reservationMessage,
  type Reservation,
} from "../reservations/index.ts";
import { extendRun, isFinished, requireLockedRun, type Run } from "../runs/index.ts";
import { escrowAccount, orgAccount } from "./accounts.ts";
import type { TransferBatch } from "./transfer-batch.ts";

export type TreasuryDeps = {
  readonly authority: Authority;
  readonly transfers: TransferBatch;
  readonly nowMs: () => number;
};

/** In order of precedence. */
type ReserveRefusal =
  | "quote_expired"
  | "quote_already_reserved"
  | "quote_used"
  | "run_finished"
  | "run_canceling";

/**
 * Set money aside: a pending transfer from what the organisation can spend into
 * its escrow. Where only the balance decides, in a batch with others.
 */
export async function reserveCompute(
  deps: TreasuryDeps,
  call: CommandCall,
  request: ReserveComputeRequest,
): Promise<CommandReply> {
  const { org } = call.principal;
  if (request.runId === undefined && request.quoteId === undefined) {
    const hold = holdOf(org, request, newId("rsv", deps.nowMs()));
    return deps.transfers.execute<ReserveComputeResponse>(
      call,
      request,
      { requests: [hold] },
      (decision, loaded) => decideReserve(decision, request, NO_ORDER, hold, loaded),
    );
  }
  return deps.authority.execute<ReserveComputeResponse>(call, request, async (command) => {
    const order = await loadOrder(command, org, request);
    const hold = holdOf(org, request, newId("rsv", command.nowMs()));
    const loaded = await loadForTransfers(command.tx, [hold], command.nowMs());
    return decideReserve(command, request, order, hold, loaded).outcome;
  });
}

function holdOf(org: string, request: ReserveComputeRequest, reservationId: string): TransferRequest {
  return {
    id: reservationId,
    kind: "pending",
    debitAccount: orgAccount(org).id,
    creditAccount: escrowAccount(org).id,
    amount: request.amountMsats,
    unit: "msats",
  };
}

function decideReserve(
  decision: Decision,
  request: ReserveComputeRequest,
  order: Order,
  hold: TransferRequest,
  loaded: Loaded,
): Decided<ReserveComputeResponse, Plan> {
  const nowMs = decision.nowMs();
  const refused = refuseOrder(order, nowMs);
  if (refused !== undefined) {
    const detail = RESERVE_DETAILS[refused];
    return { outcome: { kind: "refused", rule: "state", reason: refused, detail } };
  }
  const facts = {
    reservation_id: hold.id,
    amount_msats: Number(request.amountMsats),
    ...(order.run === undefined ? {} : { run_id: order.run.runId }),
    ...(request.quoteId === undefined ? {} : { quote_id: request.quoteId }),
  };
  const subject = order.run?.runId ?? hold.id;
  const plan = planTransfers(loaded, [hold], nowMs);
  const [result] = plan.results;
  if (result?.kind === "refused")
    return { outcome: refuseSpend(decision, subject, facts, result.reason, nowMs) };

  const receipt = decision.seal("openagents.treasury.budget_reserved.v1", subject, facts, nowMs);
  const reservation: Reservation = {
    reservationId: hold.id,
    org: decision.call.principal.org,
    amountMsats: request.amountMsats,
    status: "reserved",
    runId: order.run?.runId,
    quoteId: request.quoteId,
    receiptId: receipt.receipt_id,
    createdAtMs: nowMs,
  };
  const event = { eventType: "budget.reserved", payload: { ...facts, receipt_id: receipt.receipt_id } };
  return {
    change: plan,
    outcome: {
      kind: "answer",
      output: { reservation: reservationMessage(reservation), receiptId: receipt.receipt_id },
      writes: [
        insertReservation(reservation),
        ...postingWrites(loaded, plan, receipt.receipt_id),
        ...(order.run === undefined ? [] : extendRun(order.run, [event], nowMs).writes),
      ],
    },
  };
}

type Order = {
  readonly run: Run | undefined;
  readonly quoteValidUntilMs: number | undefined;
  readonly quoteReserved: boolean;
  readonly quoteUsed: boolean;
};

/** Money set aside for nothing in particular. */
const NO_ORDER: Order = {
  run: undefined,
  quoteValidUntilMs: undefined,
  quoteReserved: false,
  quoteUsed: false,
};

/** What the money is for: the run is locked, and the quote's terms must be those asked for. */
async function loadOrder(command: Command, org: string, request: ReserveComputeRequest): Promise<Order> {
  const quote = request.quoteId === undefined ? undefined : await findQuote(command.tx, org, request.quoteId);
  if (request.quoteId !== undefined && quote === undefined) throw notFound("quote", request.quoteId);
  if (quote !== undefined && request.runId !== undefined && request.runId !== quote.runId) {
    throw invalidField("run_id", "run_mismatch", "The quote belongs to another run.");
  }
  if (quote !== undefined && request.amountMsats !== totalPrice(quote)) {
    throw invalidField(
      "amount_msats",
      "amount_mismatch",
      `The quote's total price is ${totalPrice(quote)} msats. Reserve exactly that.`,
    );
  }
  const runId = quote?.runId ?? request.runId;
  const run = runId === undefined ? undefined : await requireLockedRun(command.tx, org, runId);
  // After the run's lock, under which every reservation of the quote is made.
  const earlier = quote === undefined ? undefined : await findReservationOfQuote(command.tx, quote.quoteId);
  const job = quote === undefined ? undefined : await findJobByQuote(command.tx, quote.quoteId);
  return {
    run,
    quoteValidUntilMs: quote?.validUntilMs,
    quoteReserved: earlier !== undefined,
    quoteUsed: job !== undefined,
  };
}

function refuseOrder(order: Order, nowMs: number): ReserveRefusal | undefined {
  if (order.quoteValidUntilMs !== undefined && nowMs >= order.quoteValidUntilMs) return "quote_expired";
  if (order.quoteReserved) return "quote_already_reserved";
  if (order.quoteUsed) return "quote_used";
  if (order.run !== undefined && isFinished(order.run.status)) return "run_finished";
  if (order.run?.status === "canceling") return "run_canceling";
  return undefined;
}

const RESERVE_DETAILS: Readonly<Record<ReserveRefusal, string>> = {
  quote_expired: "The quote has expired. Ask for a new one.",
  quote_already_reserved: "Money is reserved for this quote already.",
  quote_used: "This quote was dispatched before, and its job was called off. Ask for a new one.",
  run_finished: "The run has ended and spends no more.",
  run_canceling: "The run was asked to cancel and spends no more.",
};

/** An organisation without the account, or without the money in it, is short of funds alike. */
function refuseSpend(
  decision: Decision,
  subject: string,
  facts: Record<string, string | number>,
  ledgerReason: string,
  nowMs: number,
): Outcome<never> {
  if (ledgerReason !== "insufficient_funds" && ledgerReason !== "account_missing") {
    throw new Error(`the ledger refused a reservation: ${ledgerReason}`);
  }
  const { reservation_id: _, ...asked } = facts;
  const receipt = decision.seal(
    "openagents.treasury.spend_refused.v1",
    subject,
    { ...asked, reason: "insufficient_funds" },
    nowMs,
  );
  return {
    kind: "refused",
    rule: "funds",
    reason: "insufficient_funds",
    detail:
      "The organisation's available balance does not cover this amount. Add funds, or void what is not needed.",
    receiptId: receipt.receipt_id,
  };
}

/** In order of precedence. */
type VoidRefusal = "reservation_not_reserved" | "job_taken";

/** Give reserved money back, and cancel the job that rests on it when no provider has it. */
export function voidReservation(
  deps: TreasuryDeps,
  call: CommandCall,
  request: VoidReservationRequest,
): Promise<CommandReply> {
  return deps.authority.execute<VoidReservationResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const found = await findReservation(command.tx, org, request.reservationId);
    if (found === undefined) throw notFound("reservation", request.reservationId);
    // Locks in the order that every command keeps: run, job, reservation, accounts.
    const run = found.runId === undefined ? undefined : await requireLockedRun(command.tx, org, found.runId);
    const ordered = await findJobByReservation(command.tx, found.reservationId);
    const job = ordered === undefined ? undefined : await lockJob(command.tx, ordered.jobId);
    const reservation = (await lockReservation(command.tx, org, found.reservationId)) ?? found;
    const release: TransferRequest = {
      id: `${reservation.reservationId}:void`,
      kind: "void",
      pendingId: reservation.reservationId,
      amount: reservation.amountMsats,
      debitAccount: orgAccount(org).id,
      creditAccount: escrowAccount(org).id,
      unit: "msats",
    };
    const loaded = await loadForTransfers(command.tx, [release], command.nowMs());
    const nowMs = command.nowMs();
    const refused = refuseVoid(reservation, job, nowMs);
    if (refused !== undefined) {
      return { kind: "refused", rule: "state", reason: refused, detail: VOID_DETAILS[refused] };
    }

    const plan = planTransfers(loaded, [release], nowMs);
    const [result] = plan.results;
    if (result?.kind !== "created") throw new Error(`the ledger did not void ${reservation.reservationId}`);
    const facts = {
      reservation_id: reservation.reservationId,
      amount_msats: Number(reservation.amountMsats),
      ...(run === undefined ? {} : { run_id: run.runId }),
      ...(job === undefined ? {} : { job_id: job.jobId }),
    };
    const receipt = command.seal(
      "openagents.treasury.reservation_voided.v1",
      run?.runId ?? reservation.reservationId,
      facts,
      nowMs,
    );
    const event = { eventType: "budget.voided", payload: { ...facts, receipt_id: receipt.receipt_id } };
    return {
      kind: "answer",
      output: {
        reservation: reservationMessage({ ...reservation, status: "voided" }),
        receiptId: receipt.receipt_id,
      },
      writes: [
        markReservation(reservation.reservationId, "voided"),
        ...(job === undefined ? [] : [updateJob(settleJob(job, "canceled", nowMs))]),
        ...postingWrites(loaded, plan, receipt.receipt_id),
        ...(run === undefined ? [] : extendRun(run, [event], nowMs).writes),
      ],
    };
  });
}

function refuseVoid(reservation: Reservation, job: Job | undefined, nowMs: number): VoidRefusal | undefined {
  if (reservation.status !== "reserved") return "reservation_not_reserved";
  if (job !== undefined && isTaken(job, nowMs)) return "job_taken";
  return undefined;
}

const VOID_DETAILS: Readonly<Record<VoidRefusal, string>> = {
  reservation_not_reserved: "The reservation is not open any more: it was released, withheld or voided.",
  job_taken: "A provider works on the job or has handed it in. Verify and settle it instead.",
};
