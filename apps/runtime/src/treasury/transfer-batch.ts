// The door for commands that balances alone decide: those that arrive at the
// same time share a transaction, so a hot account is locked once for all of them.
// A command that needs more than balances goes through the authority by itself.

import type { Authority, Batch } from "@openagents/authority";
import { loadTransferBatch, type Loaded, type Plan, type TransferNeed } from "@openagents/ledger";

export type TransferBatch = Batch<TransferNeed, Loaded, Plan>;

/** One for a process: commands of two batches do not share transactions. */
export function openTransferBatch(authority: Authority): TransferBatch {
  return authority.batch({ load: loadTransferBatch });
}
