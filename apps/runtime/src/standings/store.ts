// What is known of an organisation from its earlier jobs. Counters that move in
// the transaction of what they count, so that nobody has to count again.

import { statement, type Queryable, type Write } from "@openagents/postgres";

export type BuyerStanding = {
  readonly settledJobs: number;
  readonly disputedJobs: number;
  /** Disputes in which the operator's run confirmed the report. */
  readonly disputesLost: number;
};

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

const FIND_BUYER = statement(
  "buyer_standings.find",
  "SELECT settled_jobs, disputed_jobs, disputes_lost FROM runtime.buyer_standings WHERE org = $1",
);

/** Of a buyer that nothing is known of, zeros. */
export async function findBuyerStanding(q: Queryable, org: string): Promise<BuyerStanding> {
  type Row = { settled_jobs: bigint; disputed_jobs: bigint; disputes_lost: bigint };
  const [row] = await q.query<Row>(FIND_BUYER, [org]);
  return {
    settledJobs: Number(row?.settled_jobs ?? 0n),
    disputedJobs: Number(row?.disputed_jobs ?? 0n),
    disputesLost: Number(row?.disputes_lost ?? 0n),
  };
}

export function countSettled(org: string): Write {
  return count("settled_jobs", org);
}

export function countDisputed(org: string): Write {
  return count("disputed_jobs", org);
}

export function countDisputeLost(org: string): Write {
  return count("disputes_lost", org);
}

function count(column: "settled_jobs" | "disputed_jobs" | "disputes_lost", org: string): Write {
  return {
    name: `buyer_standings.${column}`,
    text: `INSERT INTO runtime.buyer_standings AS s (org, ${column}) VALUES ($1, 1)
           ON CONFLICT (org) DO UPDATE SET ${column} = s.${column} + 1`,
    values: [org],
  };
}
