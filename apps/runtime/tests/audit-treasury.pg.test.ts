// The audit reports what is wrong: each of its checks meets the row that it is for,
// written past every rule by the role that owns the schema.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { connect, statement } from "@openagents/postgres";
import { MIGRATIONS } from "@openagents/runtime";
import { testDatabase } from "@openagents/testing";
import { assertSound, grant } from "./ledger-checks.ts";
import { FIXED, TOTAL, order, settle, startMarket, workAndVerify } from "./market.ts";

const BUDGETS = "/internal/v1/treasury/budgets";

/** Each with what puts it right again; JOB is the settled one, ENDED its reservation, OPEN another one. */
const WRONG: readonly (readonly [string, string, string])[] = [
  [
    "reservations_are_pending_transfers",
    "UPDATE runtime.reservations SET amount_msats = amount_msats + 1 WHERE reservation_id = OPEN",
    "UPDATE runtime.reservations SET amount_msats = amount_msats - 1 WHERE reservation_id = OPEN",
  ],
  [
    "reservations_are_pending_transfers",
    "UPDATE runtime.reservations SET status = 'voided' WHERE reservation_id = ENDED",
    "UPDATE runtime.reservations SET status = 'released' WHERE reservation_id = ENDED",
  ],
  [
    "pending_transfers_are_reservations",
    `INSERT INTO ledger.transfers (id, kind, debit_account, credit_account, amount, unit, receipt_id, created_at_ms)
     SELECT 'held_for_nothing', kind, debit_account, credit_account, 1, unit, receipt_id, created_at_ms
       FROM ledger.transfers WHERE id = OPEN`,
    "DELETE FROM ledger.transfers WHERE id = 'held_for_nothing'",
  ],
  [
    "settlements_are_transfers",
    "UPDATE runtime.settlements SET provider_msats = provider_msats + 1 WHERE job_id = JOB",
    "UPDATE runtime.settlements SET provider_msats = provider_msats - 1 WHERE job_id = JOB",
  ],
  [
    "budgets_equal_their_entries",
    "UPDATE runtime.budget_counters SET reserved_msats = reserved_msats + 1",
    "UPDATE runtime.budget_counters SET reserved_msats = reserved_msats - 1",
  ],
  [
    "budget_entries_follow_reservations",
    "UPDATE runtime.budget_entries SET spent_msats = spent_msats - 1 WHERE reservation_id = ENDED",
    "UPDATE runtime.budget_entries SET spent_msats = spent_msats + 1 WHERE reservation_id = ENDED",
  ],
  [
    "budget_entries_follow_reservations",
    "UPDATE runtime.budget_entries SET spent_msats = 0 WHERE reservation_id = OPEN",
    "UPDATE runtime.budget_entries SET spent_msats = NULL WHERE reservation_id = OPEN",
  ],
  [
    "statements_follow_settlements",
    "UPDATE runtime.statement_lines SET operator_fee_msats = operator_fee_msats + 1 WHERE job_id = JOB",
    "UPDATE runtime.statement_lines SET operator_fee_msats = operator_fee_msats - 1 WHERE job_id = JOB",
  ],
  [
    "statements_end_in_balances",
    "UPDATE runtime.statement_lines SET balance_msats = balance_msats + 1 WHERE job_id = JOB",
    "UPDATE runtime.statement_lines SET balance_msats = balance_msats - 1 WHERE job_id = JOB",
  ],
  [
    "statements_end_in_balances",
    "UPDATE ledger.accounts SET credits_posted = credits_posted + 1 WHERE id = 'org_provider:earnings'",
    "UPDATE ledger.accounts SET credits_posted = credits_posted - 1 WHERE id = 'org_provider:earnings'",
  ],
];

test("a wrong row of any kind is reported by the check that is for it, and is gone when it is put right", async (t) => {
  const { market, owner, ids } = await startSettled(t);
  await assertSound(market.runtime);
  for (const [index, [check, wrong, right]] of WRONG.entries()) {
    const run = (text: string, part: string) => {
      const named = text.replace(/JOB|ENDED|OPEN/g, (name) => `'${ids[name]}'`);
      return owner.query(statement(`test.${part}_${index}`, named));
    };
    await run(wrong, "wrong");
    const report = (await market.runtime.get("/internal/v1/ledger/audit")).json;
    const failed = report.checks.filter((each: { ok: boolean }) => !each.ok);
    const names = failed.map((each: { name: string }) => each.name);
    assert.equal(report.ok, false);
    assert.ok(names.includes(check), `${wrong}: ${names.join(", ")}`);
    await run(right, "right");
    await assertSound(market.runtime);
  }
});

/** A settled job, an open reservation, and a budget that counts both. */
async function startSettled(t: TestContext) {
  const database = await testDatabase(t, { directories: MIGRATIONS });
  const market = await startMarket(t, { databaseUrl: database.url, dispatch: false });
  const { runtime } = market;
  const budget = { level: "org", period: "none", limit_msats: 10 * TOTAL };
  assert.equal((await runtime.post(BUDGETS, budget)).status, 200);
  await grant(runtime, 2 * TOTAL);
  const bought = { ...market, ...(await order(runtime)) };
  const { job } = await workAndVerify(bought, FIXED);
  assert.equal((await settle(bought, job)).json.settlement.status, "released");
  const open = await order(runtime, { dispatch: false });
  const owner = connect({ url: database.ownerUrl, applicationName: "test" });
  t.after(() => owner.close());
  const ids: Readonly<Record<string, string>> = {
    JOB: job.job_id,
    ENDED: bought.reservationId,
    OPEN: open.reservationId,
  };
  return { market, owner, ids };
}
