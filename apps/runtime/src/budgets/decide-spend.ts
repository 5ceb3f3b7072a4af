// Whether a reservation fits every budget that applies to it.
//
// Pure. The caller loaded the budgets while it held the organisation's account,
// under which alone their counters move.

import { counterAt, leftMsats, type Budget, type CountedBudget, type Counter } from "./budget.ts";
import { periodEndMs } from "./period.ts";

/** What the reservation counts towards. */
export type Charge = {
  readonly org: string;
  readonly budgetId: string;
  readonly periodStartMs: number;
  readonly amountMsats: bigint;
};

export type SpendDecision =
  | { readonly kind: "fits"; readonly charges: readonly Charge[] }
  | { readonly kind: "exceeded"; readonly budget: Budget; readonly counter: Counter };

/** Of several that are exceeded the first in the given order is told. */
export function decideSpend(
  budgets: readonly CountedBudget[],
  amountMsats: bigint,
  nowMs: number,
): SpendDecision {
  const charges: Charge[] = [];
  for (const counted of budgets) {
    const { budget } = counted;
    const counter = counterAt(counted, nowMs);
    if (amountMsats > leftMsats(budget, counter)) return { kind: "exceeded", budget, counter };
    charges.push({
      org: budget.org,
      budgetId: budget.budgetId,
      periodStartMs: counter.periodStartMs,
      amountMsats,
    });
  }
  return { kind: "fits", charges };
}

/** The budget once it counts the charge; itself when the charge is another's. */
export function countCharge(counted: CountedBudget, charge: Charge): CountedBudget {
  const { budget, newest } = counted;
  if (budget.budgetId !== charge.budgetId) return counted;
  const { periodStartMs } = charge;
  const same = newest?.periodStartMs === periodStartMs ? newest : { reservedMsats: 0n, spentMsats: 0n };
  return {
    budget,
    newest: { ...same, periodStartMs, reservedMsats: same.reservedMsats + charge.amountMsats },
  };
}

/** What a caller reads who met a limit: which, how far it is used, and what helps. */
export function describeExceeded(budget: Budget, counter: Counter, amountMsats: bigint): string {
  const endsAtMs = periodEndMs(budget.period, counter.periodStartMs);
  const whose = { org: "organisation", project: `project ${budget.subject}`, run: `run ${budget.subject}` };
  const each = budget.period === "none" ? "" : ` each ${budget.period}`;
  const wait = endsAtMs === undefined ? "" : `, or wait until ${new Date(endsAtMs).toISOString()}`;
  return (
    `The budget of the ${whose[budget.level]} is ${budget.limitMsats} msats${each}: ${counter.spentMsats} are spent, ` +
    `${counter.reservedMsats} reserved, and ${amountMsats} do not fit. ` +
    `Void what is not needed, raise the budget ${budget.budgetId}${wait}.`
  );
}

/** The same for a receipt. */
export function exceededFacts(budget: Budget, counter: Counter): Record<string, string | number> {
  return {
    budget_id: budget.budgetId,
    budget_level: budget.level,
    ...(budget.subject === "" ? {} : { budget_subject: budget.subject }),
    budget_period: budget.period,
    limit_msats: Number(budget.limitMsats),
    spent_msats: Number(counter.spentMsats),
    reserved_msats: Number(counter.reservedMsats),
  };
}
