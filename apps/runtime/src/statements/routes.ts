import { Statements, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { listBuyerLines } from "./buyer-lines.ts";
import { pageOfLines } from "./page.ts";
import { listProviderLines } from "./provider-lines.ts";

const BY_SEQ = { pattern: "[0-9]{1,18}", first: "0" };
const BY_JOB = { pattern: "job_[0-9a-f]{32}", first: "" };

export function statementRoutes(deps: { readonly db: Database }): Binding {
  return bind(Statements, {
    async getProviderStatement(request, call) {
      const { org } = call.principal;
      const page = await pageOfLines(request, BY_SEQ, (asked) => listProviderLines(deps.db, org, asked));
      return { org, ...page };
    },

    async getBuyerStatement(request, call) {
      const { org } = call.principal;
      const page = await pageOfLines(request, BY_JOB, (asked) => listBuyerLines(deps.db, org, asked));
      return { org, ...page };
    },
  });
}
