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
} from "@openagents/contracts";
import { loadForTransfers, planTransfers, postingWrites, type TransferRequest } from "@openagents/ledger";
import type { JsonObject } from "@openagents/receipts";
import { invalidField, notFound } from "@openagents/service";
import {
  chargeWrites,
  decideSpend,
  describeExceeded,
  exceededFacts,
  listApplyingBudgets,
  type SpendDecision,
} from "../budgets/index.ts";
import { findJobByQuote } from "../jobs/index.ts";
import { findQuote, totalPrice } from "../marketplace/index.ts";
import {
  RESERVATION_TTL_MS,
  findReservationOfQuote,
  insertReservation,
  reservationMessage,
  type Reservation,
} from "../reservations/index.ts";
import { extendRun, isFinished, requireLockedRun, type Run } from "../runs/index.ts";
import { escrowAccount, orgAccount } from "./accounts.ts";
import type { SpendChange, SpendView, TransferBatch } from "./transfer-batch.ts";

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
/**
 * Set money aside: a pending transfer from what the organisation can spend into
 * its escrow, counted by every budget that applies. Where only balances and the
 * organisation's own budgets decide, in a batch with others. Refused by state, then
 * with 402 `budget_exceeded`, then `insufficient_funds`.
 */
export async function reserveCompute(
  deps: TreasuryDeps,
  call: CommandCall,
  request: ReserveComputeRequest,
): Promise<CommandReply> {
  const { org } = call.principal;
  if (request.runId === undefined && request.quoteId === undefined) {
    const hold = holdOf(org, request, newId("rsv", deps.nowMs()), deps.nowMs());
    return deps.transfers.execute<ReserveComputeResponse>(
      call,
      request,
      { requests: [hold], spender: org },
      (decision, loaded) => decideReserve(decision, request, NO_ORDER, hold, loaded),
    );
  }
  return deps.authority.execute<ReserveComputeResponse>(call, request, async (command) => {
    const order = await loadOrder(command, org, request);
    const hold = holdOf(org, request, newId("rsv", command.nowMs()), command.nowMs());
    // Budgets are read behind the account's lock, under which alone they count: no
    // other reservation of the organisation comes in between.
    const [loaded, budgets] = await Promise.all([
      loadForTransfers(command.tx, [hold], command.nowMs()),
      listApplyingBudgets(command.tx, org, projectOf(order.run), order.run?.runId),
    ]);
    return decideReserve(command, request, order, hold, { ...loaded, budgets }).outcome;
  });
}

type Hold = TransferRequest & { readonly expiresAtMs: number };

function holdOf(org: string, request: ReserveComputeRequest, reservationId: string, nowMs: number): Hold {
  return {
    id: reservationId,
    kind: "pending",
    debitAccount: orgAccount(org).id,
    creditAccount: escrowAccount(org).id,
    amount: request.amountMsats,
    unit: "msats",
    expiresAtMs: nowMs + Number(request.ttlMs ?? RESERVATION_TTL_MS),
  };
}

function decideReserve(
  decision: Decision,
  request: ReserveComputeRequest,
  order: Order,
  hold: Hold,
  loaded: SpendView,
): Decided<ReserveComputeResponse, SpendChange> {
  const nowMs = decision.nowMs();
  const refused = refuseOrder(order, nowMs);
  if (refused !== undefined) {
    const detail = RESERVE_DETAILS[refused];
    return { outcome: { kind: "refused", rule: "state", reason: refused, detail } };
  }
  const asked = {
    amount_msats: Number(request.amountMsats),
    ...(order.run === undefined ? {} : { run_id: order.run.runId }),
    ...(request.quoteId === undefined ? {} : { quote_id: request.quoteId }),
  };
  const subject = order.run?.runId ?? hold.id;
  const spend = decideSpend(loaded.budgets, request.amountMsats, nowMs);
  if (spend.kind === "exceeded") {
    return { outcome: refuseOverBudget(decision, subject, asked, request.amountMsats, spend) };
  }
  const plan = planTransfers(loaded, [hold], nowMs);
  const [result] = plan.results;
  if (result?.kind === "refused")
    return { outcome: refuseSpend(decision, subject, asked, result.reason, nowMs) };

  const facts = {
    reservation_id: hold.id,
    ...asked,
    expires_at: new Date(hold.expiresAtMs).toISOString(),
  };
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
    expiresAtMs: hold.expiresAtMs,
  };
  const event = { eventType: "budget.reserved", payload: { ...facts, receipt_id: receipt.receipt_id } };
  return {
    change: { ...plan, charges: spend.charges },
    outcome: {
      kind: "answer",
      output: { reservation: reservationMessage(reservation), receiptId: receipt.receipt_id },
      writes: [
        insertReservation(reservation),
        ...chargeWrites(hold.id, spend.charges),
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

/** What a run belongs to, as whoever opened it says: its metadata's `project`. */
function projectOf(run: Run | undefined): string | undefined {
  const project = run?.metadata["project"];
  return typeof project === "string" && project !== "" ? project : undefined;
}

function refuseOverBudget(
  decision: Decision,
  subject: string,
  asked: JsonObject,
  amountMsats: bigint,
  { budget, counter }: Extract<SpendDecision, { readonly kind: "exceeded" }>,
): Outcome<never> {
  const facts = { ...asked, reason: "budget_exceeded", ...exceededFacts(budget, counter) };
  const receipt = decision.seal("openagents.treasury.spend_refused.v1", subject, facts, decision.nowMs());
  return {
    kind: "refused",
    rule: "funds",
    reason: "budget_exceeded",
    detail: describeExceeded(budget, counter, amountMsats),
    receiptId: receipt.receipt_id,
  };
}

/** An organisation without the account, or without the money in it, is short of funds alike. */
function refuseSpend(
  decision: Decision,
  subject: string,
  asked: JsonObject,
  ledgerReason: string,
  nowMs: number,
): Outcome<never> {
  if (ledgerReason !== "insufficient_funds" && ledgerReason !== "account_missing") {
    throw new Error(`the ledger refused a reservation: ${ledgerReason}`);
  }
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
