// Whether an autopilot may spend an amount, by its stored policy and what it has
// reserved and spent. Pure.
//
// SPEND-1  What is reserved and spent in a day or month never passes the policy's limit for it.
// SPEND-2  Without a limit nothing is spent, and without a threshold every spend waits for a person.
// Held by decide-spend.test.ts and tests/spends.pg.test.ts.

import type { AutopilotPolicy } from "../autopilots/index.ts";

/** Reserved and spent so far. */
export type Spending = { readonly dayMsats: bigint; readonly monthMsats: bigint };

/** In order of precedence. */
export type SpendRefusal = "spend_per_call_exceeded" | "spend_per_day_exceeded" | "spend_per_month_exceeded";

export type SpendDecision =
  | { readonly kind: "allowed"; readonly needsApproval: boolean }
  | { readonly kind: "refused"; readonly reason: SpendRefusal; readonly limitMsats: bigint };

export function decideSpend(policy: AutopilotPolicy, amountMsats: bigint, spending: Spending): SpendDecision {
  const limits: readonly [SpendRefusal, bigint, bigint][] = [
    ["spend_per_call_exceeded", policy.spendPerCallMsatsMax ?? 0n, amountMsats],
    ["spend_per_day_exceeded", policy.spendPerDayMsatsMax ?? 0n, spending.dayMsats + amountMsats],
    ["spend_per_month_exceeded", policy.spendPerMonthMsatsMax ?? 0n, spending.monthMsats + amountMsats],
  ];
  for (const [reason, limitMsats, wouldBe] of limits)
    if (wouldBe > limitMsats) return { kind: "refused", reason, limitMsats };
  return { kind: "allowed", needsApproval: amountMsats > (policy.approvalOverMsats ?? 0n) };
}

export type Periods = { readonly day: string; readonly month: string };

/** Days and months of UTC. */
export function periodsOf(atMs: number): Periods {
  const day = new Date(atMs).toISOString().slice(0, 10);
  return { day, month: day.slice(0, 7) };
}
