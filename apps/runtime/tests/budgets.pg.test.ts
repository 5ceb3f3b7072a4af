// Budgets over HTTP: every level holds, races never pass a limit by a msat, and
// what is not spent comes back to where it was counted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { assertSound, grant } from "./ledger-checks.ts";
import { startHarness, type Answer, type Harness } from "./harness.ts";
import { FIXED, TOTAL, order, settle, startMarket, verify, work, workAndVerify } from "./market.ts";

const BUDGETS = "/internal/v1/treasury/budgets";
const RESERVE = "/internal/v1/treasury/compute/reserve";
const DAY_MS = 86_400_000;
const NOON = Date.UTC(2027, 5, 9, 12);

test("100 concurrent reservations against a budget for 30: exactly 30 succeed, and the rest are told the limit", async (t) => {
  const one = await startHarness(t);
  const two = await startHarness(t, { databaseUrl: one.databaseUrl });
  await grant(one, 1_000_000);
  await set(one, { level: "org", period: "none", limit_msats: 30_999 });
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      (index % 2 === 0 ? one : two).post(RESERVE, { amount_msats: 1_000 }),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 30);
  for (const answer of answers.filter(({ status }) => status !== 201))
    assertExceeded(answer, /organisation is 30999 msats/);
  const [budget] = (await one.get(BUDGETS)).json.budgets;
  assert.deepEqual([budget.reserved_msats, budget.spent_msats, budget.left_msats], [30_000, 0, 999]);
  await assertSound(one);
});

test("a spend must fit the organisation, the run's project and the run; a refusal is receipted, replays, and counts nothing", async (t) => {
  const runtime = await startHarness(t);
  await grant(runtime, 1_000_000);
  const runId = await openRun(runtime, { project: "acme/site" });
  const other = await openRun(runtime, { project: "acme/api" });
  await set(runtime, { level: "org", period: "none", limit_msats: 10_000 });
  await set(runtime, { level: "project", subject: "acme/site", period: "none", limit_msats: 5_000 });
  await set(runtime, { level: "run", subject: runId, period: "none", limit_msats: 2_000 });

  const run = await reserve(runtime, 2_001, runId);
  assertExceeded(run, new RegExp(`run ${runId} is 2000`));
  const receipt = (await runtime.get(`/internal/v1/receipts/${run.json.receipt_id}`)).json.receipt;
  assert.equal(receipt.reason, "budget_exceeded");
  assert.deepEqual([receipt.budget_level, receipt.limit_msats, receipt.spent_msats], ["run", 2_000, 0]);
  assertExceeded(await reserve(runtime, 5_001, runId), /project acme\/site is 5000/);
  assertExceeded(await reserve(runtime, 10_001, runId), /organisation is 10000/);
  assert.equal((await reserve(runtime, 2_000, runId)).status, 201);
  assert.equal((await reserve(runtime, 7_000, other)).status, 201, "another project has no limit of its own");
  const short = await runtime.post(RESERVE, { amount_msats: 1_001 }, { key: "short" });
  assertExceeded(short, /9000 reserved, and 1001 do not fit/);
  await set(runtime, { level: "org", period: "none", limit_msats: 20_000 });
  assert.equal((await runtime.post(RESERVE, { amount_msats: 1_001 }, { key: "short" })).text, short.text);
  assert.equal((await runtime.post(RESERVE, { amount_msats: 1_001 })).status, 201);
  await assertSound(runtime);
});

test("a budget is told before missing funds, a finished run before both", async (t) => {
  const runtime = await startHarness(t);
  const runId = await openRun(runtime, {});
  await set(runtime, { level: "run", subject: runId, period: "none", limit_msats: 1 });
  assert.equal((await reserve(runtime, 2, runId)).json.reason, "budget_exceeded");
  await runtime.post(`/internal/v1/runs/${runId}/events`, {
    event_type: "run.finished",
    payload: { status: "failed" },
  });
  assert.equal((await reserve(runtime, 1, runId)).json.reason, "run_finished");
  assert.equal((await runtime.post(RESERVE, { amount_msats: 1 })).json.reason, "insufficient_funds");
});

test("a daily budget starts anew at midnight UTC; what comes back goes to the day it was taken on", async (t) => {
  const clock = manualClock(NOON);
  const runtime = await startHarness(t, clock);
  await grant(runtime, 1_000_000);
  const id = await set(runtime, { level: "org", period: "day", limit_msats: 1_000 });
  const first = await runtime.post(RESERVE, { amount_msats: 1_000 });
  assert.equal(first.status, 201);
  const full = await runtime.post(RESERVE, { amount_msats: 1 });
  assertExceeded(full, /or wait until 2027-06-10T00:00:00.000Z/);
  clock.advance(DAY_MS / 2);
  const token = await runtime.token();
  assert.equal((await runtime.post(RESERVE, { amount_msats: 600 }, { token })).status, 201);
  const path = `/internal/v1/treasury/compute/reservations/${first.json.reservation.reservation_id}/void`;
  assert.equal((await runtime.post(path, {}, { token })).status, 200);
  const today = (await runtime.get(`${BUDGETS}/${id}`, { token })).json.budget;
  assert.deepEqual(
    [today.reserved_msats, today.left_msats],
    [600, 400],
    "yesterday's money frees nothing today",
  );
  assertExceeded(await runtime.post(RESERVE, { amount_msats: 401 }, { token }), /1000 msats each day/);
  const audit = await runtime.get("/internal/v1/ledger/audit", { token });
  assert.equal(audit.json.ok, true, audit.text);
});

test("what a settled job cost is spent, and what it did not cost comes back to every level", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const { runtime } = market;
  const orgBudget = await set(runtime, { level: "org", period: "month", limit_msats: 10 * TOTAL });
  // What was reserved before a budget was set is not counted by it.
  assert.deepEqual(await counts(runtime, orgBudget), [0, 0]);
  await grant(runtime, 2 * TOTAL);
  const proven = { ...market, ...(await order(runtime)) };
  assert.deepEqual(await counts(runtime, orgBudget), [TOTAL, 0]);
  assert.equal(
    (await settle(proven, (await workAndVerify(proven, FIXED)).job)).json.settlement.status,
    "released",
  );
  assert.deepEqual(await counts(runtime, orgBudget), [0, TOTAL]);

  const wrong = { ...market, ...(await order(runtime)) };
  const job = await work(wrong, wrong.first, { baseExit: 0, patchedExit: 0 });
  assert.equal((await verify(wrong, job)).status, 200);
  assert.equal((await settle(wrong, job)).json.settlement.status, "withheld");
  assert.deepEqual(await counts(runtime, orgBudget), [0, TOTAL]);
  await assertSound(runtime);
});

test("disabling a worker gives back what its jobs had counted, two of one budget in one step", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const { runtime } = market;
  const id = await set(runtime, { level: "org", period: "none", limit_msats: 10 * TOTAL });
  await grant(runtime, 2 * TOTAL);
  await order(runtime);
  await order(runtime);
  assert.deepEqual(await counts(runtime, id), [2 * TOTAL, 0]);
  const path = `/internal/v1/workers/${market.first.workerId}/disable`;
  const disabled = await runtime.post(path, { reason: "test" }, { token: market.first.token });
  assert.equal(disabled.status, 200, disabled.text);
  assert.deepEqual(await counts(runtime, id), [0, 0]);
  await assertSound(runtime);
});

test("setting changes the limit and keeps what was counted; removing limits nothing, and another organisation sees none of it", async (t) => {
  const runtime = await startHarness(t);
  await grant(runtime, 1_000_000);
  const id = await set(runtime, { level: "org", period: "week", limit_msats: 1_000 });
  assert.equal((await runtime.post(RESERVE, { amount_msats: 1_000 })).status, 201);
  assert.equal(await set(runtime, { level: "org", period: "week", limit_msats: 1_500 }), id);
  assert.deepEqual(await counts(runtime, id), [1_000, 0]);
  const stranger = await runtime.token({ sub: "usr_b", org: "org_b" });
  assert.equal((await runtime.get(`${BUDGETS}/${id}`, { token: stranger })).status, 404);
  assert.equal((await runtime.post(`${BUDGETS}/${id}/remove`, {}, { token: stranger })).status, 404);
  assert.deepEqual((await runtime.get(BUDGETS, { token: stranger })).json.budgets, []);

  const removals = await Promise.all(
    Array.from({ length: 6 }, () => runtime.post(`${BUDGETS}/${id}/remove`, {})),
  );
  assert.equal(removals.filter(({ status }) => status === 200).length, 1);
  assert.equal(removals.filter(({ status }) => status === 404).length, 5);
  assert.deepEqual((await runtime.get(BUDGETS)).json.budgets, []);
  assert.equal((await runtime.post(RESERVE, { amount_msats: 5_000 })).status, 201);
  assert.equal(await set(runtime, { level: "org", period: "week", limit_msats: 1_500 }), id);
  assert.deepEqual(await counts(runtime, id), [1_000, 0], "it goes on with what it had counted");
  await assertSound(runtime);
});

test("many who set one budget at once make one", async (t) => {
  const runtime = await startHarness(t);
  const ids = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      set(runtime, { level: "org", period: "day", limit_msats: index + 1 }),
    ),
  );
  assert.equal(new Set(ids).size, 1);
});

test("a subject is needed, refused, or a run's id, as the level says; the scope to spend sets no limits", async (t) => {
  const runtime = await startHarness(t);
  const bad = [
    { level: "org", subject: "acme", period: "none", limit_msats: 1 },
    { level: "project", period: "none", limit_msats: 1 },
    { level: "run", subject: "acme", period: "none", limit_msats: 1 },
  ];
  for (const body of bad) assert.equal((await runtime.post(BUDGETS, body)).status, 400);
  const token = await runtime.token({ scopes: ["treasury:spend", "treasury:read"] });
  const body = { level: "org", period: "none", limit_msats: 1 };
  assert.equal((await runtime.post(BUDGETS, body, { token })).status, 403);
});

test("budgets are listed newest first, by level and by page", async (t) => {
  const runtime = await startHarness(t);
  const projects: string[] = [];
  for (const subject of ["a", "b", "c"]) {
    projects.unshift(await set(runtime, { level: "project", subject, period: "none", limit_msats: 1 }));
  }
  await set(runtime, { level: "org", period: "none", limit_msats: 1 });
  const first = (await runtime.get(`${BUDGETS}?level=project&limit=2`)).json;
  const rest = (await runtime.get(`${BUDGETS}?level=project&limit=2&cursor=${first.next_cursor}`)).json;
  const seen = [...first.budgets, ...rest.budgets].map((budget) => budget.budget_id);
  assert.deepEqual(new Set(seen), new Set(projects));
  assert.equal(rest.next_cursor, undefined);
});

async function set(runtime: Harness, body: object): Promise<string> {
  const answer = await runtime.post(BUDGETS, body);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.json.receipt_id, /^bset_/);
  return answer.json.budget.budget_id;
}

async function openRun(runtime: Harness, metadata: object): Promise<string> {
  const answer = await runtime.post("/internal/v1/runs", { issue: { title: "a", body: "" }, metadata });
  assert.equal(answer.status, 201, answer.text);
  return answer.json.run.run_id;
}

function reserve(runtime: Harness, amountMsats: number, runId: string): Promise<Answer> {
  return runtime.post(RESERVE, { amount_msats: amountMsats, run_id: runId });
}

function assertExceeded(answer: Answer, says: RegExp): void {
  assert.equal(answer.status, 402, answer.text);
  assert.equal(answer.json.reason, "budget_exceeded");
  assert.match(answer.json.detail, says);
  assert.match(answer.json.receipt_id, /^sref_/);
}

async function counts(runtime: Harness, budgetId: string): Promise<[number, number]> {
  const { budget } = (await runtime.get(`${BUDGETS}/${budgetId}`)).json;
  return [budget.reserved_msats, budget.spent_msats];
}
