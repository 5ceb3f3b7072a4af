// Transfers of several commands that share a transaction: the accounts of all
// are locked at once, and each plans upon what those before it left.

import type { Tx } from "@openagents/postgres";
import type { NewAccount, TransferRequest } from "./ledger.ts";
import type { Loaded, Plan } from "./plan-transfers.ts";
import { loadForTransfers } from "./store.ts";

/** What one command would give to `loadForTransfers`. */
export type TransferNeed = {
  readonly requests: readonly TransferRequest[];
  /** Accounts to make where they are missing. */
  readonly open?: readonly NewAccount[];
};

export type TransferState = {
  /** What `loadForTransfers` would answer to one command now. */
  view(need: TransferNeed): Loaded;
  apply(plan: Plan): void;
};

/** The accounts that loading for a command locks. */
export function locksOfTransfers({ requests, open = [] }: TransferNeed): string[] {
  return [
    ...requests.flatMap(({ debitAccount, creditAccount }) => [debitAccount, creditAccount]),
    ...open.map(({ id }) => id),
  ];
}

/** Lock and load for all of them, in the one order that every transfer keeps. */
export async function loadTransferBatch(
  tx: Tx,
  needs: readonly TransferNeed[],
  nowMs: number,
): Promise<TransferState> {
  const requests = needs.flatMap((need) => need.requests);
  const open = needs.flatMap((need) => need.open ?? []);
  const loaded = await loadForTransfers(tx, requests, nowMs, open);
  const accounts = new Map(loaded.accounts);
  const transfers = new Map(loaded.transfers);
  const resolved = new Set(loaded.resolved);
  return {
    // Only its own rows, so that a plan costs the same in a batch of any size.
    view(need) {
      const accountIds = need.requests.flatMap((each) => [each.debitAccount, each.creditAccount]);
      const ids = need.requests.flatMap((each) =>
        each.pendingId === undefined ? [each.id] : [each.id, each.pendingId],
      );
      return {
        accounts: pick(accounts, accountIds),
        transfers: pick(transfers, ids),
        resolved: new Set(ids.filter((id) => resolved.has(id))),
      };
    },
    apply(plan) {
      for (const [id, account] of plan.accounts) accounts.set(id, account);
      for (const { transfer } of plan.postings) {
        transfers.set(transfer.id, transfer);
        if (transfer.pendingId !== undefined) resolved.add(transfer.pendingId);
      }
    },
  };
}

function pick<Value>(from: ReadonlyMap<string, Value>, ids: readonly string[]): Map<string, Value> {
  const picked = new Map<string, Value>();
  for (const id of ids) {
    const value = from.get(id);
    if (value !== undefined) picked.set(id, value);
  }
  return picked;
}
