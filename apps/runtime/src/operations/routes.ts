import { getMode, type Authority } from "@openagents/authority";
import { Operations, bind, type Binding } from "@openagents/contracts";
import { auditLedger } from "@openagents/ledger";
import { statement, type Database } from "@openagents/postgres";
import { auditTreasury } from "./audit-treasury.ts";
import { setMode } from "./set-mode.ts";

export type OperationsDeps = {
  readonly db: Database;
  readonly authority: Authority;
  /** The OpenAPI document of this service, as it is served. */
  readonly openApiText: () => string;
};

// Connections are told to walk an index wherever there is one, and an audit reads everything.
const READ_WHOLE_TABLES = statement(
  "operations.read_whole_tables",
  "SELECT set_config('enable_seqscan', 'on', true)",
);

export function operationsRoutes(deps: OperationsDeps): Binding {
  return bind(Operations, {
    async auditLedger() {
      const [ledger, treasury] = await deps.db.transaction(async (tx) => {
        await tx.query(READ_WHOLE_TABLES);
        return [await auditLedger(tx), await auditTreasury(tx)];
      });
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
