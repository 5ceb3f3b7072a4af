// Money is neither made nor lost, whatever happens: checked in the database after
// each step of a simulation.

import { connect, statement, type Database } from "@openagents/postgres";

const SUMS = statement(
  "simulation.sums",
  `SELECT unit, sum(credits_posted - debits_posted)::bigint AS posted, sum(credits_pending - debits_pending)::bigint AS pending,
          count(*) FILTER (WHERE floor IS NOT NULL AND credits_posted - debits_posted - debits_pending < floor) AS below
     FROM ledger.accounts GROUP BY unit`,
);

type SumRow = { unit: string; posted: bigint; pending: bigint; below: bigint };

export type Conservation = AsyncDisposable & {
  /** Throws when a sum is not zero, or an account is below its floor. */
  check(): Promise<void>;
};

export function openConservation(databaseUrl: string): Conservation {
  const db: Database = connect({ url: databaseUrl, applicationName: "simulation" });
  return {
    async check() {
      for (const { unit, posted, pending, below } of await db.query<SumRow>(SUMS)) {
        if (posted === 0n && pending === 0n && below === 0n) continue;
        throw new Error(
          `money was made or lost: in ${unit}, posted sums to ${posted}, pending to ${pending}, ${below} accounts are below their floor`,
        );
      }
    },
    [Symbol.asyncDispose]: () => db.close(),
  };
}
