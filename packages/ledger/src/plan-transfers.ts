// Which of the asked transfers happen, and what they change.
//
// Pure: what was loaded and locked goes in, rows to write come out. Requests
// are taken in their order, each seeing the effects of those before it.

import {
  available,
  type Account,
  type Transfer,
  type TransferRefusal,
  type TransferRequest,
  type TransferResult,
} from "./ledger.ts";

export type Loaded = {
  readonly accounts: ReadonlyMap<string, Account>;
  /** Existing transfers by id: those asked for again, and the pending ones referred to. */
  readonly transfers: ReadonlyMap<string, Transfer>;
  /** Ids of pending transfers that were posted, voided or expired. */
  readonly resolved: ReadonlySet<string>;
};

export type Posting = { readonly transfer: Transfer; readonly createdAtMs: number };

export type Plan = {
  /** One for each request, in order. */
  readonly results: readonly TransferResult[];
  readonly postings: readonly Posting[];
  /** The accounts as they are after the postings. */
  readonly accounts: ReadonlyMap<string, Account>;
};

const INT8_MAX = 2n ** 63n - 1n;

export function planTransfers(loaded: Loaded, requests: readonly TransferRequest[], nowMs: number): Plan {
  let state: State = { ...loaded, postings: [] };
  const results: TransferResult[] = [];
  for (const chain of chainsOf(requests)) {
    const attempt = applyChain(state, chain, nowMs);
    results.push(...attempt.results);
    state = attempt.state;
  }
  return { results, postings: state.postings, accounts: state.accounts };
}

type State = Loaded & { readonly postings: readonly Posting[] };

/** A chain is a run of linked requests and the one after them. */
function chainsOf(requests: readonly TransferRequest[]): TransferRequest[][] {
  const chains: TransferRequest[][] = [];
  let open = false;
  for (const request of requests) {
    const last = chains.at(-1);
    if (open && last !== undefined) last.push(request);
    else chains.push([request]);
    open = request.linked === true;
  }
  return chains;
}

function applyChain(
  before: State,
  chain: readonly TransferRequest[],
  nowMs: number,
): { readonly state: State; readonly results: readonly TransferResult[] } {
  let state = before;
  const results: TransferResult[] = [];
  for (const request of chain) {
    const step = applyOne(state, request, nowMs);
    results.push(step.result);
    if (step.result.kind === "refused") {
      const failedAt = results.length - 1;
      const reason = (index: number) => (index === failedAt ? step.result : LINKED_FAILED);
      return { state: before, results: chain.map((_, index) => reason(index)) };
    }
    state = step.state;
  }
  return { state, results };
}

const LINKED_FAILED: TransferResult = { kind: "refused", reason: "linked_failed" };

function applyOne(
  state: State,
  request: TransferRequest,
  nowMs: number,
): { readonly state: State; readonly result: TransferResult } {
  const { linked: _, ...transfer } = request;
  const existing = state.transfers.get(request.id);
  if (existing !== undefined) {
    return sameTransfer(existing, transfer) ? { state, result: { kind: "exists" } } : refuse(state, "id_reused");
  }
  const debit = state.accounts.get(request.debitAccount);
  const credit = state.accounts.get(request.creditAccount);
  const malformed = checkRequest(state, request, debit, credit, nowMs);
  if (malformed !== undefined) return refuse(state, malformed);
  if (debit === undefined || credit === undefined) return refuse(state, "account_missing");

  const change = changeOf(state, request);
  const debited = add(debit, change, "debits");
  const credited = add(credit, change, "credits");
  if (takesFunds(request) && debited.floor !== null && available(debited) < debited.floor) {
    return refuse(state, "insufficient_funds");
  }
  if (overflows(debited) || overflows(credited)) return refuse(state, "overflow");

  const accounts = new Map(state.accounts).set(debited.id, debited).set(credited.id, credited);
  const transfers = new Map(state.transfers).set(transfer.id, transfer);
  const resolved =
    request.pendingId === undefined ? state.resolved : new Set(state.resolved).add(request.pendingId);
  const postings = [...state.postings, { transfer, createdAtMs: nowMs }];
  return { state: { accounts, transfers, resolved, postings }, result: { kind: "created" } };
}

function checkRequest(
  state: State,
  request: TransferRequest,
  debit: Account | undefined,
  credit: Account | undefined,
  nowMs: number,
): TransferRefusal | undefined {
  if (request.amount <= 0n || request.amount > INT8_MAX) return "amount_invalid";
  if (request.debitAccount === request.creditAccount) return "same_account";
  if (debit === undefined || credit === undefined) return "account_missing";
  if (debit.unit !== request.unit || credit.unit !== request.unit) return "unit_mismatch";
  return takesFunds(request) ? undefined : checkResolution(state, request, nowMs);
}

function checkResolution(state: State, request: TransferRequest, nowMs: number): TransferRefusal | undefined {
  const pending = request.pendingId === undefined ? undefined : state.transfers.get(request.pendingId);
  if (pending?.kind !== "pending") return "pending_missing";
  if (pending.debitAccount !== request.debitAccount || pending.creditAccount !== request.creditAccount) {
    return "pending_mismatch";
  }
  if (state.resolved.has(pending.id)) return "pending_resolved";
  // What rests on a pending transfer outlives its time; only `expire` asks for the clock.
  if (request.kind === "expire" && nowMs < (pending.expiresAtMs ?? Infinity)) return "pending_not_expired";
  if (request.amount > pending.amount) return "amount_over_pending";
  if (request.kind !== "post" && request.amount !== pending.amount) return "pending_mismatch";
  return undefined;
}

/** Posted and pending transfers take funds; the others settle what was taken before. */
function takesFunds(request: TransferRequest): boolean {
  return request.kind === "posted" || request.kind === "pending";
}

type Change = { readonly posted: bigint; readonly pending: bigint };

function changeOf(state: State, request: TransferRequest): Change {
  switch (request.kind) {
    case "posted":
      return { posted: request.amount, pending: 0n };
    case "pending":
      return { posted: 0n, pending: request.amount };
    case "post":
      return { posted: request.amount, pending: -pendingAmount(state, request) };
    case "void":
    case "expire":
      return { posted: 0n, pending: -pendingAmount(state, request) };
  }
}

function pendingAmount(state: State, request: TransferRequest): bigint {
  return state.transfers.get(request.pendingId ?? "")?.amount ?? 0n;
}

function add(account: Account, change: Change, side: "debits" | "credits"): Account {
  return side === "debits"
    ? {
        ...account,
        debitsPosted: account.debitsPosted + change.posted,
        debitsPending: account.debitsPending + change.pending,
      }
    : {
        ...account,
        creditsPosted: account.creditsPosted + change.posted,
        creditsPending: account.creditsPending + change.pending,
      };
}

function overflows(account: Account): boolean {
  const { debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
  return debitsPosted + debitsPending > INT8_MAX || creditsPosted + creditsPending > INT8_MAX;
}

function sameTransfer(a: Transfer, b: Transfer): boolean {
  return (
    a.kind === b.kind &&
    a.debitAccount === b.debitAccount &&
    a.creditAccount === b.creditAccount &&
    a.amount === b.amount &&
    a.unit === b.unit &&
    a.pendingId === b.pendingId &&
    a.expiresAtMs === b.expiresAtMs
  );
}

function refuse(state: State, reason: TransferRefusal): { state: State; result: TransferResult } {
  return { state, result: { kind: "refused", reason } };
}
