import { newId, type Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  GrantDemoCreditRequest,
  GrantDemoCreditResponse,
} from "@openagents/contracts";
import {
  available,
  loadForTransfers,
  planTransfers,
  postingWrites,
  type TransferRequest,
} from "@openagents/ledger";
import { DEMO_GRANTS, escrowAccount, orgAccount } from "./accounts.ts";

export type GrantDeps = {
  readonly authority: Authority;
  /** Whether this stack hands out demo money at all. */
  readonly demoGrants: boolean;
};

/** Credit an organisation with demo money. Refused with 403 `demo_grants_disabled` where it is off. */
export function grantDemoCredit(
  deps: GrantDeps,
  call: CommandCall,
  request: GrantDemoCreditRequest,
): Promise<CommandReply> {
  return deps.authority.execute<GrantDemoCreditResponse>(call, request, async (command) => {
    if (!deps.demoGrants) {
      return {
        kind: "refused",
        rule: "policy",
        reason: "demo_grants_disabled",
        detail: "This service hands out no demo money. Deposit funds instead.",
      };
    }
    const org = request.org ?? call.principal.org;
    const grant: TransferRequest = {
      id: newId("grant", command.nowMs()),
      kind: "posted",
      debitAccount: DEMO_GRANTS.id,
      creditAccount: orgAccount(org).id,
      amount: request.amountMsats,
      unit: "msats",
    };
    // The escrow comes with the first money, so that reserving never has to open accounts.
    const loaded = await loadForTransfers(command.tx, [grant], command.nowMs(), [
      DEMO_GRANTS,
      orgAccount(org),
      escrowAccount(org),
    ]);
    const nowMs = command.nowMs();
    const plan = planTransfers(loaded, [grant], nowMs);
    const [result] = plan.results;
    if (result?.kind !== "created") throw new Error(`the ledger did not grant: ${JSON.stringify(result)}`);
    const credited = plan.accounts.get(orgAccount(org).id);
    const facts = {
      transfer_id: grant.id,
      org,
      amount_msats: Number(request.amountMsats),
      memo: request.memo,
    };
    const receipt = command.seal("openagents.treasury.demo_grant.v1", grant.id, facts, nowMs, org);
    return {
      kind: "answer",
      output: {
        org,
        amountMsats: request.amountMsats,
        availableMsats: credited === undefined ? 0n : available(credited),
        receiptId: receipt.receipt_id,
      },
      writes: postingWrites(loaded, plan, receipt.receipt_id),
    };
  });
}
