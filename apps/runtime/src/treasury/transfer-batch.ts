// The door for commands that balances, and budgets of whole organisations, decide:
// those that arrive at the same time share a transaction, so a hot account is
// locked once for all of them. A command that needs more goes through the
// authority by itself.

import type { Authority, Batch } from "@openagents/authority";
import {
  loadTransferBatch,
  locksOfTransfers,
  type Loaded,
  type Plan,
  type TransferNeed,
} from "@openagents/ledger";
import type { Tx } from "@openagents/postgres";
import { countCharge, listOrgBudgets, type Charge, type CountedBudget } from "../budgets/index.ts";

/** `spender`: the organisation whose budgets the command must fit. */
export type SpendNeed = TransferNeed & { readonly spender?: string };

export type SpendView = Loaded & { readonly budgets: readonly CountedBudget[] };

export type SpendChange = Plan & { readonly charges?: readonly Charge[] };

export type TransferBatch = Batch<SpendNeed, SpendView, SpendChange>;

/** One for a process: commands of two batches do not share transactions. */
export function openTransferBatch(authority: Authority): TransferBatch {
  return authority.batch({ load: loadSpends, locksOf: locksOfTransfers });
}

export type SpendState = {
  view(need: SpendNeed): SpendView;
  apply(change: SpendChange): void;
};

/** Lock and load for all of them, in the one order that every transfer keeps. */
export async function loadSpends(tx: Tx, needs: readonly SpendNeed[], nowMs: number): Promise<SpendState> {
  const spenders = new Set(needs.flatMap(({ spender }) => spender ?? []));
  // Sent behind the locks of the accounts, under which alone budgets count.
  const [transfers, counted] = await Promise.all([
    loadTransferBatch(tx, needs, nowMs),
    spenders.size === 0 ? [] : listOrgBudgets(tx, [...spenders]),
  ]);
  const byOrg = Map.groupBy(counted, ({ budget }) => budget.org);
  return {
    view: (need) => ({ ...transfers.view(need), budgets: byOrg.get(need.spender ?? "") ?? [] }),
    apply(change) {
      transfers.apply(change);
      for (const charge of change.charges ?? []) {
        const budgets = byOrg.get(charge.org) ?? [];
        byOrg.set(
          charge.org,
          budgets.map((each) => countCharge(each, charge)),
        );
      }
    },
  };
}
