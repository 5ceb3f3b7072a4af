// What is known of an organisation from its earlier jobs. Counters that move in
// the transaction of what they count, so that nobody has to count again.

import { statement, type Queryable, type Write } from "@openagents/postgres";

const FIND_AGREEING = statement(
  "provider_standings.find",
  "SELECT agreeing_jobs FROM runtime.provider_standings WHERE org = $1",
);

/** How many of a provider organisation's jobs somebody else confirmed. */
export async function findAgreeing(q: Queryable, providerOrg: string): Promise<number> {
  const [row] = await q.query<{ agreeing_jobs: bigint }>(FIND_AGREEING, [providerOrg]);
  return Number(row?.agreeing_jobs ?? 0n);
}

export function countAgreeing(providerOrg: string): Write {
  return {
    name: "provider_standings.count",
    text: `INSERT INTO runtime.provider_standings AS s (org, agreeing_jobs) VALUES ($1, 1)
           ON CONFLICT (org) DO UPDATE SET agreeing_jobs = s.agreeing_jobs + 1`,
    values: [providerOrg],
  };
}

export function countSettled(buyerOrg: string): Write {
  return {
    name: "buyer_standings.settled",
    text: `INSERT INTO runtime.buyer_standings AS s (org, settled_jobs) VALUES ($1, 1)
           ON CONFLICT (org) DO UPDATE SET settled_jobs = s.settled_jobs + 1`,
    values: [buyerOrg],
  };
}
