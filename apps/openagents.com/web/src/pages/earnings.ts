// What was earned, added up over time, as a plot takes it. Pure.

import type { ProviderStatementLine } from "@openagents/contracts";

/** The line begins at nothing a minute before the first booking, so that the first one is a step as well. */
const LEAD_S = 60;

export type Earnings = {
  /** Seconds since 1970, ascending. */
  readonly along: readonly number[];
  /** In sats. */
  readonly series: readonly { readonly label: string; readonly values: readonly number[] }[];
};

/** Lines in any order; empty for none. */
export function earningsOf(
  lines: readonly Pick<ProviderStatementLine, "bookedAt" | "earnedMsats">[],
): Earnings {
  const ordered = [...lines].sort((a, b) => a.bookedAt - b.bookedAt);
  const [first] = ordered;
  if (first === undefined) return { along: [], series: [] };
  let sum = 0n;
  const values = ordered.map(({ earnedMsats }) => {
    sum += earnedMsats;
    return Number(sum) / 1000;
  });
  const times = ordered.map(({ bookedAt }) => bookedAt / 1000);
  return {
    along: [first.bookedAt / 1000 - LEAD_S, ...times],
    series: [{ label: "Earned", values: [0, ...values] }],
  };
}
