// Where a budget's period starts and ends, in UTC. Pure.

import type { BudgetPeriod } from "@openagents/contracts";

const DAY_MS = 86_400_000;

/** 1970-01-01 was a Thursday; weeks start on Monday (ISO 8601). */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** 0 for a budget without a period. */
export function periodStartMs(period: BudgetPeriod, nowMs: number): number {
  switch (period) {
    case "none":
      return 0;
    case "day":
      return Math.floor(nowMs / DAY_MS) * DAY_MS;
    case "week":
      return Math.floor((nowMs - FIRST_MONDAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + FIRST_MONDAY_MS;
    case "month": {
      const now = new Date(nowMs);
      return Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
    }
  }
}

/** When the next period starts; undefined without a period. */
export function periodEndMs(period: BudgetPeriod, startMs: number): number | undefined {
  switch (period) {
    case "none":
      return undefined;
    case "day":
      return startMs + DAY_MS;
    case "week":
      return startMs + 7 * DAY_MS;
    case "month": {
      const start = new Date(startMs);
      return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1);
    }
  }
}
