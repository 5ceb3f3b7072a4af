import { AutopilotSpends, bind, type Binding } from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { findAutopilot } from "../autopilots/index.ts";
import { periodsOf } from "./decide-spend.ts";
import { endSpend, reserveSpend, type SpendDeps } from "./service.ts";
import { findSpending } from "./store.ts";

export function spendRoutes(deps: SpendDeps & { readonly nowMs: () => number }): Binding {
  return bind(AutopilotSpends, {
    reserveAutopilotSpend: (request, call) => reserveSpend(deps, call, request),
    endAutopilotSpend: (request, call) => endSpend(deps, call, request),

    async getAutopilotSpending({ autopilot: ref }, { principal }) {
      const owner = await deps.personOf(deps.db, principal);
      const found = await findAutopilot(deps.db, principal.org, owner, ref);
      if (found === undefined) throw notFound("autopilot", ref);
      return findSpending(deps.db, found.autopilotId, periodsOf(deps.nowMs()));
    },
  });
}
