// To the last msat: whatever prices, fees, charges and outcomes a job has, and
// whatever is reserved, given back, settled and expired at the same time.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { connect, statement } from "@openagents/postgres";
import { manualClock } from "@openagents/testing";
import { assertSound, grant } from "./ledger-checks.ts";
import type { Harness } from "./harness.ts";
import {
  FIXED,
  TOTAL,
  decideBy,
  earnedBy,
  order,
  register,
  settle,
  startMarket,
  verify,
  work,
  workAndVerify,
  type ClaimedJob,
  type Market,
} from "./market.ts";

const BUDGETS = "/internal/v1/treasury/budgets";
const RESERVE = "/internal/v1/treasury/compute/reserve";
const NOON = Date.UTC(2027, 5, 9, 12);
const BROKEN = { baseExit: 1, patchedExit: 1 };

type Case = {
  readonly price: number;
  readonly secondPrice: number;
  /** Parts of a thousand of the price; more is charged as quoted. */
  readonly charged: number;
  readonly secondCharged: number;
  readonly outcome: "agree" | "disagree" | "broken";
};

test("provider, second run, operator and what came back are what was reserved, in the ledger, the budget and the statements", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const { runtime } = market;
  const db = connect({ url: runtime.databaseUrl, applicationName: "test" });
  t.after(() => db.close());
  await setBudget(runtime, { level: "org", period: "none", limit_msats: 10 ** 12 });
  await grant(runtime, 10 ** 9);
  const price = fc.oneof(fc.constantFrom(1, 199, 200, 10_001), fc.integer({ min: 1, max: 10 ** 7 }));
  const cases = fc.sample(
    fc.record({
      price,
      secondPrice: price,
      charged: fc.nat(1_300),
      secondCharged: fc.nat(1_300),
      outcome: fc.constantFrom("agree" as const, "agree" as const, "disagree" as const, "broken" as const),
    }),
    { numRuns: 8, seed: 11 },
  );
  for (const each of cases) {
    const before = await moneyOf(market, db);
    const { reserved, job } = await trade(market, each);
    const { settlement } = (await settle(market, job)).json;
    const after = await moneyOf(market, db);
    const about = JSON.stringify({ ...each, settlement });
    const paid = settlement.provider_msats + settlement.second_opinion_msats + settlement.operator_fee_msats;
    assert.equal(after.provider - before.provider, settlement.provider_msats, about);
    assert.equal(after.second - before.second, settlement.second_opinion_msats, about);
    assert.equal(after.operator - before.operator, settlement.operator_fee_msats, about);
    assert.equal(before.buyer - after.buyer, paid, about);
    assert.deepEqual([after.counted, after.spent - before.spent], [0, paid], about);

    const [bought] = (await runtime.get("/internal/v1/treasury/buyer/statement?limit=1")).json.lines;
    assert.equal(bought.job_id, job.job_id);
    assert.deepEqual([bought.reserved_msats, bought.returned_msats], [reserved, reserved - paid], about);
    assert.ok(bought.returned_msats >= 0);
    const lines = [await lastLine(market, "first"), await lastLine(market, "second")].filter(
      (line) => line?.booked_at === bought.settled_at,
    );
    const sum = (name: string) => lines.reduce((total, line) => total + line[name], 0);
    assert.equal(sum("earned_msats") + sum("operator_fee_msats"), paid, about);
  }
  await assertSound(runtime);
});

test("whatever is reserved, voided, settled and expired at once, no budget is passed, each end happens once, and the books agree", async (t) => {
  const { market, jobs, clock } = await startVerified(t, 5);
  const { runtime } = market;
  const runs = [await openRun(runtime, "a"), await openRun(runtime, "b")];
  await setBudget(runtime, { level: "project", subject: "a", period: "none", limit_msats: 7_000 });
  await setBudget(runtime, { level: "run", subject: runs[1] ?? "", period: "week", limit_msats: 4_000 });
  await grant(runtime, 20_000);
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("reserve" as const),
        amount: fc.integer({ min: 1, max: 3_000 }),
        run: fc.nat(2),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("void" as const), which: fc.nat(60) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("settle" as const), which: fc.nat(60) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("expire" as const), hours: fc.integer({ min: 1, max: 30 }) }),
    },
  );
  const rounds = fc.sample(fc.array(step, { minLength: 8, maxLength: 8 }), { numRuns: 10, seed: 7 });
  const open = jobs.map(({ reservationId }) => reservationId);
  const ends: string[] = [];
  for (const round of rounds) {
    const token = await runtime.token();
    const post = (path: string, body: object) => runtime.post(path, body, { token });
    await Promise.all(
      round.map(async (each) => {
        if (each.kind === "reserve") {
          const run = runs[each.run];
          const answer = await post(RESERVE, {
            amount_msats: each.amount,
            ttl_ms: 86_400_000,
            ...(run === undefined ? {} : { run_id: run }),
          });
          assert.ok([201, 402].includes(answer.status), answer.text);
          if (answer.status === 201) open.push(answer.json.reservation.reservation_id);
        } else if (each.kind === "expire") {
          const answer = await post("/internal/v1/treasury/compute/reconcile", {});
          assert.equal(answer.status, 200, answer.text);
          for (const freed of answer.json.freed) ends.push(freed.reservation_id);
        } else if (each.kind === "void") {
          const id = open[each.which % open.length] ?? "";
          const answer = await post(`/internal/v1/treasury/compute/reservations/${id}/void`, {});
          assert.ok([200, 409].includes(answer.status), answer.text);
          if (answer.status === 200) ends.push(id);
        } else {
          const job = jobs[each.which % jobs.length];
          const answer = await post("/internal/v1/treasury/compute/settle/sandbox-run", {
            job_id: job?.jobId,
          });
          assert.ok(answer.status === 200 || answer.json.reason === "already_settled", answer.text);
          if (answer.status === 200) ends.push(job?.reservationId ?? "");
        }
      }),
    );
    for (const budget of (await runtime.get(BUDGETS, { token })).json.budgets)
      assert.ok(budget.reserved_msats + budget.spent_msats <= budget.limit_msats, JSON.stringify(budget));
    const audit = await runtime.get("/internal/v1/ledger/audit", { token });
    assert.equal(audit.json.ok, true, audit.text);
    for (const each of round) if (each.kind === "expire") clock.advance(each.hours * 3_600_000);
  }
  assert.equal(new Set(ends).size, ends.length, "nothing ends twice");
  assert.ok(open.length > 10 && jobs.every(({ reservationId }) => ends.includes(reservationId)));
});

/** Order, run, run again where it would be paid for, and verify. */
async function trade(market: Market, each: Case): Promise<{ reserved: number; job: ClaimedJob }> {
  const { runtime, first, second } = market;
  await register(runtime, first.token, each.price, first.workerId);
  await register(runtime, second.token, each.secondPrice, second.workerId);
  const bought = { ...market, ...(await order(runtime)) };
  const reserved = bought.quote.total_price_msats;
  const charged = (price: number, parts: number) =>
    parts > 1_000 ? {} : { charged: Math.floor((price * parts) / 1_000) };
  const result = each.outcome === "broken" ? BROKEN : FIXED;
  const job = await work(bought, first, { ...result, ...charged(each.price, each.charged) });
  const asked = await verify(bought, job);
  if (asked.json.verification.status !== "final") {
    const again = each.outcome === "disagree" ? BROKEN : FIXED;
    await work(bought, second, { ...again, ...charged(each.secondPrice, each.secondCharged) });
    const { verification } = (await verify(bought, job)).json;
    assert.equal(verification.status, "final");
    // Nobody is struck, so that the two stay who they are in the market.
    if (each.outcome === "disagree")
      await decideBy(bought, verification.incident_id, { ...FIXED, rounds: [0, 1, 0] });
  }
  return { reserved, job };
}

async function moneyOf(market: Market, db: ReturnType<typeof connect>) {
  const [summary, budgets, provider, second] = await Promise.all([
    market.runtime.get("/internal/v1/treasury/compute/summary"),
    market.runtime.get(BUDGETS),
    earnedBy(market, market.first),
    earnedBy(market, market.second),
  ]);
  const [fees] = await db.query<{ balance: bigint }>(
    statement(
      "test.fees",
      "SELECT credits_posted - debits_posted AS balance FROM ledger.accounts WHERE id = 'operator:fees'",
    ),
  );
  const [budget] = budgets.json.budgets;
  return {
    buyer: Number(summary.json.available_msats),
    provider,
    second,
    operator: Number(fees?.balance ?? 0n),
    counted: Number(budget.reserved_msats),
    spent: Number(budget.spent_msats),
  };
}

async function lastLine(market: Market, which: "first" | "second") {
  const { token } = market[which];
  const answer = await market.runtime.get("/internal/v1/treasury/provider/statement?limit=1", { token });
  return answer.json.lines[0];
}

/** A market under an organisation's budget in which some jobs wait to be settled. */
async function startVerified(t: TestContext, count: number) {
  const clock = manualClock(NOON);
  const market = await startMarket(t, { ...clock, dispatch: false });
  const { runtime } = market;
  await setBudget(runtime, { level: "org", period: "none", limit_msats: (count + 1) * TOTAL });
  await grant(runtime, count * TOTAL);
  const jobs: { jobId: string; reservationId: string }[] = [];
  for (let index = 0; index < count; index += 1) {
    const bought = { ...market, ...(await order(runtime)) };
    const { job } = await workAndVerify(bought, FIXED);
    jobs.push({ jobId: job.job_id, reservationId: bought.reservationId });
  }
  return { market, jobs, clock };
}

async function setBudget(runtime: Harness, body: object): Promise<void> {
  const answer = await runtime.post(BUDGETS, body);
  assert.equal(answer.status, 200, answer.text);
}

async function openRun(runtime: Harness, project: string): Promise<string> {
  const body = { issue: { title: "a", body: "" }, metadata: { project } };
  const answer = await runtime.post("/internal/v1/runs", body);
  assert.equal(answer.status, 201, answer.text);
  return answer.json.run.run_id;
}
