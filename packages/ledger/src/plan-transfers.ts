// Which of the asked transfers happen, and what they change.
//
// Pure: what was loaded and locked goes in, rows to write come out. It may not
// read a clock or a database. The invariants are numbered in README.md.

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
const ID_LENGTH_MAX = 200;

/**
 * Decide the requests in their order, each seeing the effects of those before
 * it; a repeat of a transfer is `exists` and moves nothing. `loaded` is left as
 * it was. Cost grows with the number of requests and loaded rows.
 */
export function planTransfers(loaded: Loaded, requests: readonly TransferRequest[], nowMs: number): Plan {
  const draft: Draft = {
    accounts: new Map(loaded.accounts),
    transfers: new Map(loaded.transfers),
    resolved: new Set(loaded.resolved),
    postings: [],
  };
  const results = chainsOf(requests).flatMap((chain) => applyChain(draft, chain, nowMs));
  return { results, postings: draft.postings, accounts: draft.accounts };
}

type Draft = {
  readonly accounts: Map<string, Account>;
  readonly transfers: Map<string, Transfer>;
  readonly resolved: Set<string>;
  readonly postings: Posting[];
};

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

const LINKED_FAILED: TransferResult = { kind: "refused", reason: "linked_failed" };

function applyChain(draft: Draft, chain: readonly TransferRequest[], nowMs: number): TransferResult[] {
  const undo: (() => void)[] = [];
  const results: TransferResult[] = [];
  for (const [index, request] of chain.entries()) {
    const isOpen = request.linked === true && index === chain.length - 1;
    const result = isOpen ? refuse("linked_open") : applyOne(draft, request, nowMs, undo);
    if (result.kind === "refused") {
      for (const step of undo.toReversed()) step();
      return chain.map((_, each) => (each === index ? result : LINKED_FAILED));
    }
    results.push(result);
  }
  return results;
}

function applyOne(
  draft: Draft,
  request: TransferRequest,
  nowMs: number,
  undo: (() => void)[],
): TransferResult {
  if (hasInvalidFields(request)) return refuse("fields_invalid");
  const { linked: _, ...transfer } = request;
  const existing = draft.transfers.get(request.id);
  if (existing !== undefined) {
    return sameTransfer(existing, transfer) ? { kind: "exists" } : refuse("id_reused");
  }
  const debit = draft.accounts.get(request.debitAccount);
  const credit = draft.accounts.get(request.creditAccount);
  const malformed = checkRequest(draft, request, debit, credit, nowMs);
  if (malformed !== undefined) return refuse(malformed);
  if (debit === undefined || credit === undefined) return refuse("account_missing");

  const change = changeOf(draft, request);
  const debited = addDebits(debit, change);
  const credited = addCredits(credit, change);
  if (takesFunds(request) && debited.floor !== null && available(debited) < debited.floor) {
    return refuse("insufficient_funds");
  }
  if (overflows(debited) || overflows(credited)) return refuse("overflow");

  draft.accounts.set(debit.id, debited).set(credit.id, credited);
  draft.transfers.set(transfer.id, transfer);
  if (transfer.pendingId !== undefined) draft.resolved.add(transfer.pendingId);
  draft.postings.push({ transfer, createdAtMs: nowMs });
  undo.push(() => {
    draft.accounts.set(debit.id, debit).set(credit.id, credit);
    draft.transfers.delete(transfer.id);
    if (transfer.pendingId !== undefined) draft.resolved.delete(transfer.pendingId);
    draft.postings.pop();
  });
  return { kind: "created" };
}

function hasInvalidFields({ id, kind, pendingId, expiresAtMs }: TransferRequest): boolean {
  if (id.length === 0 || id.length > ID_LENGTH_MAX) return true;
  if (pendingId !== undefined && (kind === "posted" || kind === "pending")) return true;
  if (expiresAtMs === undefined) return false;
  return kind !== "pending" || !Number.isSafeInteger(expiresAtMs) || expiresAtMs < 0;
}

function checkRequest(
  draft: Draft,
  request: TransferRequest,
  debit: Account | undefined,
  credit: Account | undefined,
  nowMs: number,
): TransferRefusal | undefined {
  if (request.amount <= 0n || request.amount > INT8_MAX) return "amount_invalid";
  if (request.debitAccount === request.creditAccount) return "same_account";
  if (debit === undefined || credit === undefined) return "account_missing";
  if (debit.unit !== request.unit || credit.unit !== request.unit) return "unit_mismatch";
  return takesFunds(request) ? undefined : checkResolution(draft, request, nowMs);
}

function checkResolution(draft: Draft, request: TransferRequest, nowMs: number): TransferRefusal | undefined {
  const pending = request.pendingId === undefined ? undefined : draft.transfers.get(request.pendingId);
  if (pending?.kind !== "pending") return "pending_missing";
  if (mismatches(request, pending)) return "pending_mismatch";
  if (draft.resolved.has(pending.id)) return "pending_resolved";
  // What rests on a pending transfer may outlive its time, and is then still
  // paid; only `expire` asks for the clock, and only it gives the money back.
  if (request.kind === "expire" && nowMs < (pending.expiresAtMs ?? Infinity)) return "pending_not_expired";
  if (request.amount > pending.amount) return "amount_over_pending";
  return undefined;
}

function mismatches(request: TransferRequest, pending: Transfer): boolean {
  return (
    pending.debitAccount !== request.debitAccount ||
    pending.creditAccount !== request.creditAccount ||
    (request.kind !== "post" && request.amount !== pending.amount)
  );
}

/** Posted and pending transfers take funds; the others settle what was taken before. */
function takesFunds(request: TransferRequest): boolean {
  return request.kind === "posted" || request.kind === "pending";
}

type Change = { readonly posted: bigint; readonly pending: bigint };

function changeOf(draft: Draft, request: TransferRequest): Change {
  const pending = draft.transfers.get(request.pendingId ?? "")?.amount ?? 0n;
  switch (request.kind) {
    case "posted":
      return { posted: request.amount, pending: 0n };
    case "pending":
      return { posted: 0n, pending: request.amount };
    case "post":
      // The whole of what was pending goes, also the part that is not posted.
      return { posted: request.amount, pending: -pending };
    case "void":
    case "expire":
      return { posted: 0n, pending: -pending };
  }
}

function addDebits(account: Account, change: Change): Account {
  return {
    ...account,
    debitsPosted: account.debitsPosted + change.posted,
    debitsPending: account.debitsPending + change.pending,
  };
}

function addCredits(account: Account, change: Change): Account {
  return {
    ...account,
    creditsPosted: account.creditsPosted + change.posted,
    creditsPending: account.creditsPending + change.pending,
  };
}

/** Pending counts as if posted, so that what was accepted can always be posted later. */
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

function refuse(reason: TransferRefusal): TransferResult & { readonly kind: "refused" } {
  return { kind: "refused", reason };
}
