// A limit on what is spent, and what it has counted. Pure.
//
// BUD-1  Of no budget more is reserved and spent than its limit allowed at each reservation.
// BUD-2  A counter is the sum of its entries.
// BUD-3  What a reservation does not spend goes back to the period that it was counted in.
// Held by tests/budgets.pg.test.ts, and by the ledger's audit.

import type { Budget as BudgetMessage, BudgetLevel, BudgetPeriod } from "@openagents/contracts";
import { periodEndMs, periodStartMs } from "./period.ts";

export type Budget = {
  readonly budgetId: string;
  readonly org: string;
  readonly level: BudgetLevel;
  /** "" for the organisation. */
  readonly subject: string;
  readonly period: BudgetPeriod;
  readonly limitMsats: bigint;
  readonly removedAtMs: number | undefined;
  readonly receiptId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

export type Counter = {
  readonly periodStartMs: number;
  readonly reservedMsats: bigint;
  readonly spentMsats: bigint;
};

/** A budget with its newest counter; none before anything was reserved. */
export type CountedBudget = { readonly budget: Budget; readonly newest: Counter | undefined };

/**
 * What counts now. A period that nothing was reserved in has no counter yet. A
 * clock that went back stays in the newest period, so that nothing is counted
 * twice as fresh.
 */
export function counterAt({ budget, newest }: CountedBudget, nowMs: number): Counter {
  const startMs = periodStartMs(budget.period, nowMs);
  if (newest !== undefined && newest.periodStartMs >= startMs) return newest;
  return { periodStartMs: startMs, reservedMsats: 0n, spentMsats: 0n };
}

export function leftMsats({ limitMsats }: Budget, counter: Counter): bigint {
  const left = limitMsats - counter.reservedMsats - counter.spentMsats;
  return left > 0n ? left : 0n;
}

export function budgetMessage(counted: CountedBudget, nowMs: number): BudgetMessage {
  const { budget } = counted;
  const counter = counterAt(counted, nowMs);
  const endsAtMs = periodEndMs(budget.period, counter.periodStartMs);
  return {
    budgetId: budget.budgetId,
    level: budget.level,
    subject: budget.subject === "" ? undefined : budget.subject,
    period: budget.period,
    limitMsats: budget.limitMsats,
    reservedMsats: counter.reservedMsats,
    spentMsats: counter.spentMsats,
    leftMsats: leftMsats(budget, counter),
    periodStartsAt: endsAtMs === undefined ? undefined : counter.periodStartMs,
    periodEndsAt: endsAtMs,
    createdAt: budget.createdAtMs,
    updatedAt: budget.updatedAtMs,
  };
}
