// Which of two candidates a buyer prefers. Pure, and total: the id decides at
// last, so arrival order never does.
//
// Faults make a provider dearer, by a fixed amount where prices are low and by a
// share of its price where they are high. Who did nothing yet is taken for an
// ordinary provider: as fast as the others, and as reliable as 19 jobs of 20.

import type { BuyingPolicy, ProviderTier } from "@openagents/contracts";
import type { ProviderRecord } from "../workers/index.ts";

/** What ranking looks at. */
export type Standing = {
  readonly workerId: string;
  readonly strikes: number;
  readonly totalMsats: bigint;
  readonly record: ProviderRecord;
};

const PRIOR_GOOD = 19;
const PRIOR_JOBS = 20;

/** Until this many jobs nobody is asked for merits. */
const NEW_JOBS_MAX = 5;

/** Where nobody's time is known. */
const LATENCY_UNKNOWN_MS = 250;

/** How often its jobs end without a fault of its own, in hundredths of a percent, rounded down. */
export function reliabilityBps({ jobsDone, jobsFaulty }: ProviderRecord): number {
  return Math.floor(((jobsDone - jobsFaulty + PRIOR_GOOD) * 10_000) / (jobsDone + PRIOR_JOBS));
}

export function tierOf({ strikes, record }: Pick<Standing, "strikes" | "record">): ProviderTier {
  if (strikes >= 2) return "provisional";
  if (strikes > 0) return "qualified";
  const isNew = record.jobsDone < NEW_JOBS_MAX && record.jobsFaulty === 0;
  return isNew || record.jobsReleased >= NEW_JOBS_MAX ? "preferred" : "qualified";
}

const TIER_RANK: Readonly<Record<ProviderTier, number>> = { preferred: 0, qualified: 1, provisional: 2 };

/** Its price, with what its faults are worth: 500 msats or a tenth of the price for a strike, and so on. */
export function effectivePrice(standing: Standing): bigint {
  const { totalMsats, strikes, record } = standing;
  const provisional = tierOf(standing) === "provisional" ? 1n : 0n;
  return (
    totalMsats +
    BigInt(strikes) * atLeast(500n, totalMsats / 10n) +
    provisional * atLeast(1_000n, totalMsats / 5n) +
    BigInt(record.priceViolations) * atLeast(2_000n, totalMsats / 5n)
  );
}

/** Orders candidates for a policy; the first is the best. */
export function ranking(
  policy: BuyingPolicy,
  candidates: readonly Standing[],
): (a: Standing, b: Standing) => number {
  const assumedMs = medianLatency(candidates);
  const gap = ({ record }: Standing) => 10_000 - reliabilityBps(record);
  const latency = ({ record }: Standing) => record.latencyMs ?? assumedMs;
  const byPrice = (a: Standing, b: Standing) =>
    compare(effectivePrice(a), effectivePrice(b)) ||
    TIER_RANK[tierOf(a)] - TIER_RANK[tierOf(b)] ||
    a.strikes - b.strikes ||
    compare(a.workerId, b.workerId);
  // A millisecond is worth a msat, a percent of failures 20 msats or a fiftieth of the price.
  const score = (one: Standing) =>
    effectivePrice(one) +
    BigInt(latency(one)) +
    BigInt(Math.floor(gap(one) / 100)) * atLeast(20n, one.totalMsats / 50n);
  // The time until a good result: who fails has to be asked again.
  const expectedMs = (one: Standing) => Math.ceil((latency(one) * 10_000) / reliabilityBps(one.record));
  switch (policy) {
    case "cheapest":
      return byPrice;
    case "balanced":
      return (a, b) => compare(score(a), score(b)) || byPrice(a, b);
    case "fastest":
      return (a, b) =>
        Number(tierOf(a) === "provisional") - Number(tierOf(b) === "provisional") ||
        expectedMs(a) - expectedMs(b) ||
        byPrice(a, b);
  }
}

/** The lower median of what is known. */
function medianLatency(candidates: readonly Standing[]): number {
  const known = candidates
    .flatMap(({ record }) => (record.latencyMs === undefined ? [] : [record.latencyMs]))
    .toSorted((a, b) => a - b);
  return known[Math.floor((known.length - 1) / 2)] ?? LATENCY_UNKNOWN_MS;
}

function atLeast(least: bigint, share: bigint): bigint {
  return share > least ? share : least;
}

export function compare<T extends bigint | number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
