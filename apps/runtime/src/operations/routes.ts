import { Operations, bind, type Binding } from "@openagents/contracts";
import { auditLedger } from "@openagents/ledger";
import type { Database } from "@openagents/postgres";

export type OperationsDeps = {
  readonly db: Database;
  /** The OpenAPI document of this service, as it is served. */
  readonly openApiText: () => string;
};

export function operationsRoutes(deps: OperationsDeps): Binding {
  return bind(Operations, {
    async auditLedger() {
      const report = await auditLedger(deps.db);
      return { ...report, accounts: BigInt(report.accounts), transfers: BigInt(report.transfers) };
    },
    async getOpenApi() {
      return { contentType: "application/json", data: Buffer.from(deps.openApiText()) };
    },
  });
}
