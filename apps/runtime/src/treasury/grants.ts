import { newId, type Decided, type Decision, type Refusal } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  GrantDemoCreditRequest,
  GrantDemoCreditResponse,
} from "@openagents/contracts";
import {
  available,
  planTransfers,
  postingWrites,
  type Loaded,
  type Plan,
  type TransferRequest,
} from "@openagents/ledger";
import { DEMO_GRANTS, escrowAccount, orgAccount } from "./accounts.ts";
import type { TransferBatch } from "./transfer-batch.ts";

export type GrantDeps = {
  readonly transfers: TransferBatch;
  readonly nowMs: () => number;
  /** Whether this stack hands out demo money at all. */
  readonly demoGrants: boolean;
};

/** Credit an organisation with demo money. Refused with 403 `demo_grants_disabled` where it is off. */
export async function grantDemoCredit(
  deps: GrantDeps,
  call: CommandCall,
  request: GrantDemoCreditRequest,
): Promise<CommandReply> {
  const org = request.org ?? call.principal.org;
  const grant: TransferRequest = {
    id: newId("grant", deps.nowMs()),
    kind: "posted",
    debitAccount: DEMO_GRANTS.id,
    creditAccount: orgAccount(org).id,
    amount: request.amountMsats,
    unit: "msats",
  };
  // The escrow comes with the first money, so that reserving never has to open accounts.
  const open = [DEMO_GRANTS, orgAccount(org), escrowAccount(org)];
  const need = deps.demoGrants ? { requests: [grant], open } : { requests: [] };
  return deps.transfers.execute<GrantDemoCreditResponse>(call, request, need, (decision, loaded) => {
    if (!deps.demoGrants) return { outcome: DISABLED };
    return decideGrant(decision, request, org, grant, loaded);
  });
}

const DISABLED: Refusal = {
  kind: "refused",
  rule: "policy",
  reason: "demo_grants_disabled",
  detail: "This service hands out no demo money. Deposit funds instead.",
};

function decideGrant(
  decision: Decision,
  request: GrantDemoCreditRequest,
  org: string,
  grant: TransferRequest,
  loaded: Loaded,
): Decided<GrantDemoCreditResponse, Plan> {
  const nowMs = decision.nowMs();
  const plan = planTransfers(loaded, [grant], nowMs);
  const [result] = plan.results;
  if (result?.kind !== "created") throw new Error(`the ledger did not grant: ${JSON.stringify(result)}`);
  const credited = plan.accounts.get(grant.creditAccount);
  const facts = {
    transfer_id: grant.id,
    org,
    amount_msats: Number(request.amountMsats),
    memo: request.memo,
  };
  const receipt = decision.seal("openagents.treasury.demo_grant.v1", grant.id, facts, nowMs, org);
  return {
    change: plan,
    outcome: {
      kind: "answer",
      output: {
        org,
        amountMsats: request.amountMsats,
        availableMsats: credited === undefined ? 0n : available(credited),
        receiptId: receipt.receipt_id,
      },
      writes: postingWrites(loaded, plan, receipt.receipt_id),
    },
  };
}
