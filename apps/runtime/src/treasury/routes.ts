import { Treasury, bind, type Binding } from "@openagents/contracts";
import { findAccount } from "@openagents/ledger";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { earningsAccount, escrowAccount, orgAccount } from "./accounts.ts";
import { grantDemoCredit, type GrantDeps } from "./grants.ts";
import { reconcileCompute } from "./reconcile.ts";
import { reserveCompute, type TreasuryDeps } from "./reserve.ts";
import { settleSandboxRun } from "./settle.ts";
import { findSettlement, listRecentSettlements, settlementMessage } from "./settlement.ts";
import { voidReservation } from "./void.ts";

export type TreasuryRoutesDeps = GrantDeps & TreasuryDeps & { readonly db: Database };

const RECENT_SETTLEMENTS = 50;

export function treasuryRoutes(deps: TreasuryRoutesDeps): Binding {
  return bind(Treasury, {
    reserveCompute: (request, call) => reserveCompute(deps, call, request),
    voidReservation: (request, call) => voidReservation(deps, call, request),
    settleSandboxRun: (request, call) => settleSandboxRun(deps, call, request),
    reconcileCompute: (request, call) => reconcileCompute(deps, call, request),
    grantDemoCredit: (request, call) => grantDemoCredit(deps, call, request),

    async getSettlement({ jobId }, call) {
      const settlement = await findSettlement(deps.db, jobId);
      if (settlement === undefined || settlement.org !== call.principal.org)
        throw notFound("settlement", jobId);
      return { settlement: settlementMessage(settlement), receiptId: settlement.receiptId };
    },

    async getComputeSummary(_request, call) {
      const { org } = call.principal;
      const [spendable, escrow, earnings, recent] = await Promise.all([
        findAccount(deps.db, orgAccount(org).id),
        findAccount(deps.db, escrowAccount(org).id),
        findAccount(deps.db, earningsAccount(org).id),
        listRecentSettlements(deps.db, org, RECENT_SETTLEMENTS),
      ]);
      const held = spendable?.debitsPending ?? 0n;
      return {
        org,
        availableMsats: (spendable?.creditsPosted ?? 0n) - (spendable?.debitsPosted ?? 0n) - held,
        reservedMsats: held,
        spentMsats: escrow?.debitsPosted ?? 0n,
        earnedMsats: (earnings?.creditsPosted ?? 0n) - (earnings?.debitsPosted ?? 0n),
        recentSettlements: recent.map(settlementMessage),
      };
    },
  });
}
