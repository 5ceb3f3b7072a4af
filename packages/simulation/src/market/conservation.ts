// Money is neither made nor lost, whatever happens: checked in the database after
// each step of a simulation, over the balances of all accounts, of which there are a
// few for each party however many jobs there were.

import { connect, statement, type Database } from "@openagents/postgres";

const SUMS = statement(
  "simulation.sums",
  `SELECT unit, sum(credits_posted - debits_posted)::bigint AS posted, sum(credits_pending - debits_pending)::bigint AS pending,
          count(*) FILTER (WHERE floor IS NOT NULL AND credits_posted - debits_posted - debits_pending < floor) AS below
     FROM ledger.accounts GROUP BY unit`,
);

type SumRow = { unit: string; posted: bigint; pending: bigint; below: bigint };

export type Conservation = AsyncDisposable & {
  /** Throws when a sum is not zero, or an account is below its floor; also what a check beside found. */
  check(): Promise<void>;
  /**
   * Begin a check and throw what the one before it found. It goes on beside the next
   * step: what one statement sees must hold whenever it looks.
   */
  checkBeside(): Promise<void>;
};

export function openConservation(databaseUrl: string): Conservation {
  const db: Database = connect({ url: databaseUrl, applicationName: "simulation" });
  let running: Promise<void> = Promise.resolve();
  const look = async () => {
    for (const { unit, posted, pending, below } of await db.query<SumRow>(SUMS)) {
      if (posted === 0n && pending === 0n && below === 0n) continue;
      throw new Error(
        `money was made or lost: in ${unit}, posted sums to ${posted}, pending to ${pending}, ${below} accounts are below their floor`,
      );
    }
  };
  return {
    async check() {
      await running;
      await look();
    },
    async checkBeside() {
      await running;
      running = look();
      // Thrown by the next call; nobody else hears of it.
      running.catch(() => undefined);
    },
    [Symbol.asyncDispose]: () => db.close(),
  };
}
