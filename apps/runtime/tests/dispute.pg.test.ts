// A buyer that doubts a report, and what its doubts cost it when they are wrong.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@openagents/postgres";
import { manualClock } from "@openagents/testing";
import { grant } from "./ledger-checks.ts";
import {
  FIXED,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  assertBuyerHas,
  claim,
  claimAnswer,
  earnedBy,
  joinMarket,
  order,
  report,
  settle,
  startMarket,
  verify,
  work,
  workAndVerify,
  type Market,
  type Party,
} from "./market.ts";

const BROKEN = { baseExit: 1, patchedExit: 1 };
const WEEK_MS = 7 * 86_400_000;

test("a disputed report that the operator's run contradicts strikes who agreed on it, and nobody is paid", async (t) => {
  const market = await startMarket(t);
  const { job } = await workAndVerify(market, FIXED);
  const disputed = await dispute(market, job.job_id);
  assert.equal(disputed.status, 201, disputed.text);
  assert.equal(disputed.json.incident.kind, "dispute");
  assert.equal((await settle(market, job)).json.reason, "dispute_open");
  assert.equal(await decideBy(market, disputed.json.incident.incident_id, BROKEN), "both_struck");
  assert.equal(await strikesOf(market, market.first), 1);
  assert.equal((await settle(market, job)).json.settlement.withheld_reason, "dispute_upheld");
  await assertBuyerHas(market, TOTAL);
  assert.deepEqual(await standing(market), { settled_jobs: 1n, disputed_jobs: 1n, disputes_lost: 0n });
});

test("a dispute in bad faith is counted against its buyer, and the honest are paid and never struck", async (t) => {
  const market = await startMarket(t);
  const { job } = await workAndVerify(market, FIXED);
  const disputed = await dispute(market, job.job_id);
  assert.equal(await decideBy(market, disputed.json.incident.incident_id, FIXED), "report_confirmed");
  assert.equal(await strikesOf(market, market.first), 0);
  assert.equal((await settle(market, job)).json.settlement.status, "released");
  assert.equal(await earnedBy(market, market.second), SECOND_PRICE);
  assert.deepEqual(await standing(market), { settled_jobs: 1n, disputed_jobs: 1n, disputes_lost: 1n });
  await sql(market, "UPDATE runtime.buyer_standings SET disputes_lost = 3");
  await grant(market.runtime, TOTAL);
  const next = { ...market, ...(await order(market.runtime)) };
  const { job: other } = await workAndVerify(next, FIXED);
  assert.equal((await dispute(market, other.job_id)).json.reason, "disputes_lost_max");
});

test("an honest failing check that is disputed strikes nobody", async (t) => {
  const market = await startMarket(t);
  const job = await work(market, market.first, BROKEN);
  await verify(market, job);
  const disputed = await dispute(market, job.job_id);
  assert.equal(await decideBy(market, disputed.json.incident.incident_id, BROKEN), "report_confirmed");
  assert.equal(await strikesOf(market, market.first), 0);
});

test("a settled job can be disputed for a week, once, and its money stays where it is", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  await grant(market.runtime, SECOND_PRICE + SECOND_FEE);
  const { job } = await workAndVerify(market, FIXED);
  await settle(market, job);
  const stranger = await market.runtime.token({ sub: "usr_b", org: "org_b" });
  assert.equal((await dispute(market, job.job_id, stranger)).status, 404);
  clock.advance(WEEK_MS);
  assert.equal((await dispute(market, job.job_id)).json.reason, "dispute_window_over");
  clock.advance(-1);
  const answers = await Promise.all(Array.from({ length: 8 }, () => dispute(market, job.job_id)));
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  assert.ok(answers.every((answer) => answer.status === 201 || answer.json.reason === "incident_exists"));
  const again = await dispute(market, job.job_id);
  assert.equal(again.json.reason, "incident_exists");
});

test("what has no verdict or no result, and a repetition, is not disputed", async (t) => {
  const market = await startMarket(t);
  const job = await work(market, market.first, FIXED);
  assert.equal((await dispute(market, job.job_id)).json.reason, "job_not_verified");
  const asked = await verify(market, job);
  const secondId = asked.json.second_job.job_id;
  assert.equal((await dispute(market, secondId)).json.reason, "job_not_work");
});

function dispute(market: Market, jobId: string, token?: string) {
  return market.runtime.post(
    "/internal/v1/fraud/disputes",
    { job_id: jobId, claim: "the check was never run" },
    token === undefined ? {} : { token },
  );
}

/** The operator's reserve runs it, and the service decides; the outcome. */
async function decideBy(market: Market, incidentId: string, third: typeof FIXED): Promise<string> {
  const reserve = await joinMarket(market.runtime, { sub: "svc_reserve", org: "org_operator", zone: "0" }, 1);
  await report(market, reserve, await claim(market, reserve, 20_000), third);
  for (;;) {
    const { incident } = (await market.runtime.get(`/internal/v1/fraud/incidents/${incidentId}`)).json;
    if (incident.status === "decided") return incident.outcome;
    await claimAnswer(market, reserve, 50);
  }
}

async function strikesOf(market: Market, party: Party): Promise<number> {
  const answer = await market.runtime.get(`/internal/v1/workers/${party.workerId}`, { token: party.token });
  return answer.json.worker.strikes;
}

async function standing(market: Market): Promise<object | undefined> {
  const rows = await sql<object>(
    market,
    "SELECT settled_jobs, disputed_jobs, disputes_lost FROM runtime.buyer_standings WHERE org = 'org_a'",
  );
  return rows.map((row) => ({ ...row }))[0];
}

async function sql<Row>(market: Market, text: string): Promise<Row[]> {
  const db = connect({ url: market.runtime.databaseUrl, applicationName: "test" });
  try {
    return await db.query<Row>({ name: "test.sql", text }, []);
  } finally {
    await db.close();
  }
}
