import { statement, type Queryable, type Write } from "@openagents/postgres";

export type Measure =
  | "quoted"
  /** Asked for a quote, and nobody could. */
  | "unfilled"
  | "dispatched"
  | "released"
  | "withheld"
  | `latency:${number}`;

/** A buyer's organisation, or a provider's worker. */
export type Count = { readonly party: string; readonly measure: Measure };

const DAY_MS = 86_400_000;

/** Each of the counts one up, today; no two alike. */
export function countMarket(capability: string, counts: readonly Count[], nowMs: number): Write {
  // In one order everywhere, so that no two commands wait for each other in a ring.
  const sorted = counts.toSorted((a, b) => compare(a.party, b.party) || compare(a.measure, b.measure));
  return {
    name: "market_counts.add",
    text: `INSERT INTO runtime.market_counts AS c (party, capability, day, measure, count)
           SELECT party, $3, $4, measure, 1 FROM unnest($1::text[], $2::text[]) AS n(party, measure)
           ON CONFLICT (party, capability, day, measure) DO UPDATE SET count = c.count + 1`,
    values: [
      sorted.map(({ party }) => party),
      sorted.map(({ measure }) => measure),
      capability,
      Math.floor(nowMs / DAY_MS),
    ],
  };
}

const SUM = statement(
  "market_counts.sum",
  `SELECT measure, sum(count)::bigint AS count FROM runtime.market_counts
    WHERE party = $1 AND capability = $2 AND day > $3 GROUP BY measure`,
);

/** A party's counts of the last days, today included. */
export async function sumCounts(
  q: Queryable,
  party: string,
  capability: string,
  days: number,
  nowMs: number,
): Promise<ReadonlyMap<string, number>> {
  const since = Math.floor(nowMs / DAY_MS) - days;
  const rows = await q.query<{ measure: string; count: bigint }>(SUM, [party, capability, since]);
  return new Map(rows.map((row) => [row.measure, Number(row.count)]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
