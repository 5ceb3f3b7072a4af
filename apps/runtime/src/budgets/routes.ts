import { Budgets, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { decodeCursor, encodeCursor, notFound, PAGE_DEFAULT } from "@openagents/service";
import { budgetMessage } from "./budget.ts";
import { removeBudget, setBudget, type BudgetDeps } from "./service.ts";
import { findBudget, listBudgets } from "./store.ts";

export type BudgetRoutesDeps = BudgetDeps & { readonly db: Database; readonly nowMs: () => number };

/** Sorts after every budget id. */
const AFTER_ALL_BUDGETS = "bgt_g";

export function budgetRoutes(deps: BudgetRoutesDeps): Binding {
  return bind(Budgets, {
    setBudget: (request, call) => setBudget(deps, call, request),
    removeBudget: (request, call) => removeBudget(deps, call, request),

    async listBudgets(request, call) {
      const beforeId =
        request.cursor === undefined ? AFTER_ALL_BUDGETS : decodeCursor(request.cursor, /^bgt_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const page = { beforeId, limit: limit + 1, level: request.level };
      const found = await listBudgets(deps.db, call.principal.org, page);
      const budgets = found.slice(0, limit);
      const last = found.length > limit ? budgets.at(-1) : undefined;
      const nowMs = deps.nowMs();
      return {
        budgets: budgets.map((counted) => budgetMessage(counted, nowMs)),
        nextCursor: last === undefined ? undefined : encodeCursor(last.budget.budgetId),
      };
    },

    async getBudget(request, call) {
      const found = await findBudget(deps.db, call.principal.org, request.budgetId);
      if (found === undefined) throw notFound("budget", request.budgetId);
      return { budget: budgetMessage(found, deps.nowMs()) };
    },
  });
}
