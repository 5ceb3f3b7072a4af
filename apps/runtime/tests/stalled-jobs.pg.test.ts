// A buyer that has gone away holds nobody's money: the service goes on in its stead.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { manualClock } from "@openagents/testing";
import { startHarness } from "./harness.ts";
import {
  FEE,
  FIXED,
  PRICE,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  claimAnswer,
  joinMarket,
  report,
  startMarket,
  work,
  workAndVerify,
  type Claimed,
  type Market,
  type Party,
} from "./market.ts";

const GRACE_MS = 121_000;
const DAY_MS = 86_400_000;
const BROKEN = { baseExit: 1, patchedExit: 1 };

test("a reported job of a buyer that is gone is run again, verified and paid", async (t) => {
  const { market, clock, fresh } = await startGone(t);
  const job = await work(market, market.first, FIXED);
  await fresh();
  clock.advance(GRACE_MS);
  await fresh();
  await claimUntil(market, market.second, FIXED, fresh);
  clock.advance(GRACE_MS);
  const status = await statusUntil(market, fresh, job.job_id, "verified");
  assert.equal(status, "verified");
  clock.advance(GRACE_MS);
  assert.equal(await statusUntil(market, fresh, job.job_id, "settled"), "settled");
  await assertMoney(market, fresh, TOTAL - PRICE - FEE - SECOND_PRICE - SECOND_FEE);
  const token = await market.runtime.token();
  const path = `/internal/v1/treasury/compute/reservations/${market.reservationId}/void`;
  const ended = await market.runtime.post(path, {}, { token });
  assert.equal(ended.json.reason, "reservation_not_reserved", "its reservation ended with it");
  const [line] = (await market.runtime.get("/internal/v1/treasury/buyer/statement", { token })).json.lines;
  assert.deepEqual([line.job_id, line.reserved_msats, line.returned_msats], [job.job_id, TOTAL, 0]);
});

for (const [liar, third, left] of [
  ["first", BROKEN, TOTAL - SECOND_PRICE - SECOND_FEE],
  ["second", FIXED, TOTAL - PRICE - FEE],
] as const) {
  test(`where the ${liar} one lied and the money has not moved, the other is paid`, async (t) => {
    const { market, clock, fresh } = await startGone(t);
    const { job, verified } = await workAndVerify(market, FIXED, BROKEN);
    const incidentId = verified.json.verification.incident_id;
    clock.advance(GRACE_MS);
    assert.equal(await statusOf(market, fresh, job.job_id), "verified", "the decision is waited for");
    const reserve = await joinMarket(
      market.runtime,
      { sub: "svc_reserve", org: "org_operator", zone: "0" },
      1,
    );
    const claimed = await claimed20s(market, reserve);
    await report(market, reserve, claimed, third);
    await decided(market, incidentId);
    clock.advance(GRACE_MS);
    assert.equal(await statusUntil(market, fresh, job.job_id, "settled"), "settled");
    await assertMoney(market, fresh, left);
  });
}

test("two services that look and a buyer that is back, all at once, have each step's one effect", async (t) => {
  const { market, clock, fresh } = await startGone(t);
  const { databaseUrl, artifactsDir } = market.runtime;
  const other = await startHarness(t, { nowMs: clock.nowMs, stalledEveryMs: 20, databaseUrl, artifactsDir });
  const job = await work(market, market.first, FIXED);
  clock.advance(GRACE_MS);
  await fresh();
  const ask = async (what: string) => {
    const token = await market.runtime.token();
    const asked = [market.runtime, other].flatMap((runtime) => Array.from({ length: 4 }, () => runtime));
    return Promise.all(asked.map((runtime) => runtime.post(what, { job_id: job.job_id }, { token })));
  };
  await ask("/internal/v1/verifications/sandbox-run");
  await claimUntil(market, market.second, FIXED, fresh);
  clock.advance(GRACE_MS);
  await fresh();
  await ask("/internal/v1/verifications/sandbox-run");
  await statusUntil(market, fresh, job.job_id, "verified");
  clock.advance(GRACE_MS);
  await ask("/internal/v1/treasury/compute/settle/sandbox-run");
  await statusUntil(market, fresh, job.job_id, "settled");
  await assertMoney(market, fresh, TOTAL - PRICE - FEE - SECOND_PRICE - SECOND_FEE);
  const token = await market.runtime.token();
  const { events } = (await market.runtime.get(`/internal/v1/runs/${market.runId}/events`, { token })).json;
  const types = events.map((event: { event_type: string }) => event.event_type);
  for (const once of ["verification.second_opinion_requested", "verification.recorded", "payment.released"])
    assert.equal(types.filter((type: string) => type === once).length, 1, once);
});

test("the service commits to a seed by itself, and reveals it once another one has followed", async (t) => {
  const { market, clock } = await startGone(t);
  const seeds = async () => {
    const token = await market.runtime.token();
    return (await market.runtime.get("/internal/v1/sampling/seeds", { token })).json.seeds;
  };
  await until(async () => (await seeds()).length === 1);
  assert.equal((await seeds())[0].seed, undefined);
  clock.advance(DAY_MS);
  await until(async () => (await seeds()).length === 2);
  assert.equal((await seeds())[1].seed, undefined, "quotes that named it may still be on their way");
  clock.advance(601_000);
  await until(async () => (await seeds())[1].seed !== undefined);
  assert.equal((await seeds())[0].seed, undefined);
});

/** A market whose service looks every 20 ms, and whose clock the test moves. */
async function startGone(t: TestContext, options: object = {}) {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { ...options, nowMs: clock.nowMs, stalledEveryMs: 20 });
  /** The second provider is heard from, however far the clock was moved. */
  const fresh = async () => {
    const token = await market.runtime.token({ sub: "dev_own", org: "org_a" });
    const path = `/internal/v1/workers/${market.second.workerId}/heartbeat`;
    await market.runtime.post(path, {}, { token });
  };
  return { market, clock, fresh };
}

async function claimUntil(
  market: Market,
  party: Party,
  outcome: typeof FIXED,
  fresh: () => Promise<void>,
): Promise<void> {
  for (;;) {
    await fresh();
    const token = await market.runtime.token({ sub: "dev_own", org: "org_a" });
    const answer = await claimAnswer(market, { ...party, token });
    if (answer.json.job !== undefined) {
      await report(market, { token }, answer.json, outcome);
      return;
    }
    await pause();
  }
}

async function claimed20s(market: Market, party: Party): Promise<Claimed> {
  const answer = await claimAnswer(market, party, 20_000);
  assert.ok(answer.json.job, answer.text);
  return answer.json;
}

async function statusOf(market: Market, fresh: () => Promise<void>, jobId: string): Promise<string> {
  await fresh();
  const token = await market.runtime.token();
  return (await market.runtime.get(`/internal/v1/jobs/${jobId}`, { token })).json.job.status;
}

async function statusUntil(
  market: Market,
  fresh: () => Promise<void>,
  jobId: string,
  status: string,
): Promise<string> {
  await until(async () => (await statusOf(market, fresh, jobId)) === status);
  return status;
}

async function decided(market: Market, incidentId: string): Promise<void> {
  await until(async () => {
    const token = await market.runtime.token();
    const path = `/internal/v1/fraud/incidents/${incidentId}`;
    return (await market.runtime.get(path, { token })).json.incident.status === "decided";
  });
}

async function assertMoney(
  market: Market,
  fresh: () => Promise<void>,
  availableMsats: number,
): Promise<void> {
  await fresh();
  const token = await market.runtime.token();
  const summary = (await market.runtime.get("/internal/v1/treasury/compute/summary", { token })).json;
  assert.equal(summary.available_msats, availableMsats);
  assert.equal(summary.reserved_msats, 0);
  const audit = await market.runtime.get("/internal/v1/ledger/audit", { token });
  assert.equal(audit.json.ok, true, audit.text);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
