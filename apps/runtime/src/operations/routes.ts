import { getMode, type Authority } from "@openagents/authority";
import { Operations, bind, type Binding } from "@openagents/contracts";
import { auditLedger } from "@openagents/ledger";
import type { Database } from "@openagents/postgres";
import { auditTreasury } from "./audit-treasury.ts";
import { setMode } from "./set-mode.ts";

export type OperationsDeps = {
  readonly db: Database;
  readonly authority: Authority;
  /** The OpenAPI document of this service, as it is served. */
  readonly openApiText: () => string;
};

export function operationsRoutes(deps: OperationsDeps): Binding {
  return bind(Operations, {
    async auditLedger() {
      const [ledger, treasury] = await Promise.all([auditLedger(deps.db), auditTreasury(deps.db)]);
      const checks = [...ledger.checks, ...treasury];
      return {
        ok: checks.every((check) => check.ok),
        accounts: BigInt(ledger.accounts),
        transfers: BigInt(ledger.transfers),
        checks,
      };
    },
    async getAuthorityMode() {
      const { changedAtMs, ...state } = await getMode(deps.db);
      return { ...state, changedAt: changedAtMs };
    },
    setAuthorityMode: (request, call) => setMode(deps, call, request),
    async getOpenApi() {
      return { contentType: "application/json", data: Buffer.from(deps.openApiText()) };
    },
  });
}
