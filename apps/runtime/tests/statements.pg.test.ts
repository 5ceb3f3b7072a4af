// Statements over HTTP: what each run came to, to the last msat, and for whom.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect, statement } from "@openagents/postgres";
import { MIGRATIONS } from "@openagents/runtime";
import { manualClock, testDatabase } from "@openagents/testing";
import { assertSound, grant } from "./ledger-checks.ts";
import {
  FEE,
  FIXED,
  PRICE,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  decideBy,
  earnedBy,
  order,
  settle,
  startMarket,
  verify,
  work,
  workAndVerify,
  type Market,
  type MarketOptions,
  type Party,
  type Reported,
} from "./market.ts";

const PROVIDER = "/internal/v1/treasury/provider/statement";
const BUYER = "/internal/v1/treasury/buyer/statement";
const BROKEN = { baseExit: 1, patchedExit: 1 };
const NOON = Date.UTC(2027, 5, 9, 12);

test("a provider sees what each job earned, both fees, and why it was not paid; the last balance is the account's", async (t) => {
  const market = await startMarket(t);
  const jobs = await settleThree(market);
  const first = (await statementOf(market, market.first)).json;
  assert.equal(first.org, "org_provider");
  assert.deepEqual(
    first.lines.map((line: Line) => [
      line.job_id,
      line.earned_msats,
      line.operator_fee_msats,
      line.withheld_reason,
      line.balance_msats,
    ]),
    [
      [jobs[2], 0, 0, "disagreement", 2 * PRICE - 1],
      [jobs[1], PRICE - 1, FEE, undefined, 2 * PRICE - 1],
      [jobs[0], PRICE, FEE, undefined, PRICE],
    ],
  );
  assert.match(first.lines[0].withheld_because, /Another run of the same work/);
  assert.ok(first.lines.every((line: Line) => line.purpose === "work" && line.quoted_msats === PRICE));

  const second = (await statementOf(market, market.second)).json;
  assert.deepEqual(
    second.lines.map((line: Line) => [
      line.purpose,
      line.earned_msats,
      line.operator_fee_msats,
      line.balance_msats,
    ]),
    [
      ["second_opinion", 0, 0, 2 * SECOND_PRICE],
      ["second_opinion", SECOND_PRICE, SECOND_FEE, 2 * SECOND_PRICE],
      ["second_opinion", SECOND_PRICE, SECOND_FEE, SECOND_PRICE],
    ],
  );
  for (const party of [market.first, market.second]) {
    const { lines } = (await statementOf(market, party)).json;
    const sum = lines.reduce((total: number, line: Line) => total + line.earned_msats, 0);
    assert.equal(sum, await earnedBy(market, party));
    assert.equal(lines[0].balance_msats, sum);
  }
  await assertSound(market.runtime);
});

test("a buyer sees where each reservation went: the parts are the whole", async (t) => {
  const market = await startMarket(t);
  const jobs = await settleThree(market);
  const { lines } = (await market.runtime.get(BUYER)).json;
  assert.deepEqual(
    lines.map((line: Line) => [
      line.job_id,
      line.provider_msats,
      line.operator_fee_msats,
      line.returned_msats,
    ]),
    [
      [jobs[2], 0, 0, TOTAL],
      [jobs[1], PRICE - 1, FEE + SECOND_FEE, 1],
      [jobs[0], PRICE, FEE + SECOND_FEE, 0],
    ],
  );
  for (const line of lines) {
    const parts = line.provider_msats + line.second_opinion_msats + line.operator_fee_msats;
    assert.equal(parts + line.returned_msats, line.reserved_msats);
  }
  assert.match(lines[0].withheld_because, /Another run/);
});

test("a statement comes in pages and periods, and another organisation's is not among it", async (t) => {
  const clock = manualClock(NOON);
  const market = await startMarket(t, clock);
  const { runtime } = market;
  const jobs: string[] = [];
  for (let index = 0; index < 4; index += 1) {
    jobs.unshift(await settleOne(index === 0 ? market : await another(market)));
    clock.advance(1_000);
  }
  const ids = async (query: string, token = market.first.token) => {
    const answer = await runtime.get(`${PROVIDER}${query}`, { token });
    assert.equal(answer.status, 200, answer.text);
    return answer.json.lines.map((line: Line) => line.job_id);
  };
  const seen: string[] = [];
  for (const path of [PROVIDER, BUYER]) {
    const token = path === BUYER ? await runtime.token() : market.first.token;
    let cursor = "";
    for (let index = 0; index < 4; index += 1) {
      const page = (await runtime.get(`${path}?limit=1${cursor}`, { token })).json;
      assert.equal(page.lines.length, 1);
      seen.push(page.lines[0].job_id);
      assert.equal(page.next_cursor === undefined, index === 3);
      cursor = `&cursor=${page.next_cursor}`;
    }
  }
  assert.deepEqual(seen, [...jobs, ...jobs]);
  const at = (ms: number) => new Date(NOON + ms).toISOString();
  assert.deepEqual(
    await ids(`?from=${at(1_000)}&to=${at(3_000)}`),
    jobs.slice(1, 3),
    "from is in, to is out",
  );
  assert.deepEqual(await ids(`?to=${at(0)}`), []);
  assert.deepEqual(await ids(`?from=${at(3_001)}`), []);
  assert.deepEqual(await ids("", await runtime.token({ sub: "usr_b", org: "org_b" })), []);
  assert.equal((await runtime.get(`${PROVIDER}?cursor=abc`)).json.field_errors[0].code, "cursor_invalid");
  const narrow = await runtime.token({ scopes: ["treasury:read"] });
  assert.equal((await runtime.get(PROVIDER, { token: narrow })).status, 403);
});

test("many settlements of one provider at once leave one order, in which every balance holds", async (t) => {
  const market = await startMarket(t);
  const jobs = [(await workAndVerify(market, FIXED)).job];
  for (let index = 0; index < 5; index += 1) {
    const outcome = index % 2 === 0 ? BROKEN : FIXED;
    jobs.push((await verifiedBy(await another(market), outcome)).job);
  }
  const settled = await Promise.all(jobs.map((job) => settle(market, job)));
  assert.ok(settled.every(({ status }) => status === 200));
  const { lines } = (await statementOf(market, market.first)).json;
  assert.equal(lines.length, 6);
  let balance = 0;
  for (const line of lines.toReversed()) {
    balance += line.earned_msats;
    assert.equal(line.balance_msats, balance);
  }
  assert.equal(balance, await earnedBy(market, market.first));
  await assertSound(market.runtime);
});

test("a line is never booked before the one before it, though the clock goes back", async (t) => {
  const clock = manualClock(NOON);
  const market = await startMarket(t, clock);
  const earlier = await settleOne(market);
  const next = await another(market);
  const { job } = await workAndVerify(next, FIXED);
  clock.advance(-5_000);
  assert.equal((await settle(next, job)).status, 200);
  const { lines } = (await statementOf(market, market.first)).json;
  assert.deepEqual(
    lines.map((line: Line) => [line.job_id, line.balance_msats]),
    [
      [job.job_id, 2 * PRICE],
      [earlier, PRICE],
    ],
  );
  assert.equal(lines[0].booked_at, new Date(NOON).toISOString());
});

test("what was settled before there were statements has the lines that it would have now", async (t) => {
  const database = await testDatabase(t, { directories: MIGRATIONS });
  const market = await startMarket(t, { databaseUrl: database.url });
  await settleThree(market);
  const owner = connect({ url: database.ownerUrl, applicationName: "test" });
  t.after(() => owner.close());
  const COLUMNS = `job_id, org, settled_job_id, worker_id, quoted_msats, earned_msats, operator_fee_msats,
    withheld_reason, balance_msats, booked_at_ms`;
  const lines = () =>
    owner.query<object>(
      statement("test.lines", `SELECT ${COLUMNS} FROM runtime.statement_lines ORDER BY job_id`),
    );
  const made = await lines();
  assert.equal(made.length, 6);
  await owner.query(statement("test.forget", "DELETE FROM runtime.statement_lines"));
  const migration = readFileSync(new URL("../migrations/0033_statement_lines.sql", import.meta.url), "utf8");
  const backfill = /^WITH prices[^]*?;$/m.exec(migration)?.[0] ?? "";
  await owner.query(statement("test.backfill", backfill));
  assert.deepEqual(await lines(), made);
});

/** By the names of the wire. */
// oxlint-disable-next-line typescript/no-explicit-any
type Line = any;

function statementOf(market: Pick<Market, "runtime">, party: Party) {
  return market.runtime.get(PROVIDER, { token: party.token });
}

/** The next order in the same market. */
async function another(market: Market, options: MarketOptions = {}): Promise<Market> {
  await grant(market.runtime, TOTAL);
  return { ...market, ...(await order(market.runtime, options)) };
}

async function settleOne(market: Market): Promise<string> {
  const { job } = await workAndVerify(market, FIXED);
  assert.equal((await settle(market, job)).status, 200);
  return job.job_id;
}

/** With one run, or two where the first one's result would be paid for. */
async function verifiedBy(market: Market, outcome: Reported) {
  if (outcome === FIXED) return workAndVerify(market, FIXED);
  const job = await work(market, market.first, outcome);
  assert.equal((await verify(market, job)).status, 200);
  return { job };
}

/** One as quoted, one that charged a msat less, one on which the two runs disagree. */
async function settleThree(market: Market): Promise<string[]> {
  const jobs = [await settleOne(market)];
  const less = await another(market);
  const cheap = await work(less, less.first, { ...FIXED, charged: PRICE - 1 });
  await verify(less, cheap);
  await work(less, less.second, FIXED);
  await verify(less, cheap);
  assert.equal((await settle(less, cheap)).status, 200);
  const last = await another(market);
  const { job, verified } = await workAndVerify(last, FIXED, BROKEN);
  await decideBy(last, verified.json.verification.incident_id, { ...FIXED, rounds: [0, 1, 0] });
  assert.equal((await settle(last, job)).status, 200);
  return [...jobs, cheap.job_id, job.job_id];
}
