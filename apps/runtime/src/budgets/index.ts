export type { CountedBudget } from "./budget.ts";
export {
  countCharge,
  decideSpend,
  describeExceeded,
  exceededFacts,
  type Charge,
  type SpendDecision,
} from "./decide-spend.ts";
export { budgetRoutes, type BudgetRoutesDeps } from "./routes.ts";
export { chargeWrites, endEntries, listApplyingBudgets, listOrgBudgets } from "./store.ts";
