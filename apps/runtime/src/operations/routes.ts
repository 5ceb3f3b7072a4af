import { getMode, type Authority } from "@openagents/authority";
import { Operations, bind, type Binding } from "@openagents/contracts";
import { auditLedger } from "@openagents/ledger";
import type { Database } from "@openagents/postgres";
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
      const report = await auditLedger(deps.db);
      return { ...report, accounts: BigInt(report.accounts), transfers: BigInt(report.transfers) };
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
