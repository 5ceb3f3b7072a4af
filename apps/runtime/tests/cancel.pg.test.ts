// Canceling a run reaches its jobs and its money in one step, and leaves alone
// what a provider has handed in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { startHarness, type Harness } from "./harness.ts";
import { assertSound } from "./ledger-checks.ts";
import {
  FIXED,
  PRICE,
  SECOND_PRICE,
  TOTAL,
  assertBuyerHas,
  claim,
  claimAnswer,
  earnedBy,
  report,
  settle,
  startMarket,
  verify,
  work,
} from "./market.ts";

/** Storing an output needs the lease too; these reports are about handing in alone. */
const UNSTORED = { ...FIXED, upload: false };

test("a job under way is called off: the provider hears it at its next renewal, and the money is back", async (t) => {
  const market = await startMarket(t);
  const { runtime, first, runId } = market;
  const claimed = await claim(market, first);
  const answer = await cancel(runtime, runId, { reason: "changed my mind" });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(
    [answer.json.run.status, answer.json.canceled_job_ids, answer.json.voided_msats],
    ["canceling", [claimed.job.job_id], TOTAL],
  );
  await assertBuyerHas(market, TOTAL);
  const renewed = await runtime.post(
    `/internal/v1/jobs/${claimed.job.job_id}/lease`,
    { lease_id: claimed.lease.lease_id },
    { token: first.token },
  );
  assert.deepEqual([renewed.status, renewed.json.reason], [409, "job_canceled"]);
  assert.match(renewed.json.detail, /nobody is paid/);
  const late = await report(market, first, claimed, UNSTORED);
  assert.equal(late.json.reason ?? late.json.code, "job_canceled", late.text);
  assert.equal(await earnedBy(market, first), 0);
  assert.deepEqual((await types(runtime, runId)).slice(-3), [
    "run.cancel_requested",
    "job.canceled",
    "budget.voided",
  ]);
  await assertSound(runtime);
});

test("a job that waits is taken by nobody, and an unordered reservation is given back", async (t) => {
  const market = await startMarket(t);
  await cancel(market.runtime, market.runId);
  assert.equal((await claimAnswer(market, market.first)).json.job, undefined);
  await assertBuyerHas(market, TOTAL);

  const unordered = await startMarket(t, { dispatch: false });
  const answer = await cancel(unordered.runtime, unordered.runId);
  assert.deepEqual([answer.json.canceled_job_ids, answer.json.voided_msats], [[], TOTAL]);
  await assertBuyerHas(unordered, TOTAL);
  assert.equal((await unordered.dispatch()).json.reason, "reservation_not_reserved");
  await assertSound(unordered.runtime);
});

test("what was handed in before is verified and paid as if nothing had been asked", async (t) => {
  const market = await startMarket(t);
  const job = await work(market, market.first, FIXED);
  const answer = await cancel(market.runtime, market.runId);
  assert.deepEqual([answer.json.canceled_job_ids, answer.json.voided_msats], [[], 0]);
  await verify(market, job);
  // Asked again while the second run is under way: it belongs to work that was done.
  assert.deepEqual((await cancel(market.runtime, market.runId)).json.canceled_job_ids, []);
  await work(market, market.second, FIXED);
  assert.equal((await verify(market, job)).json.verification.verdict, "proven");
  assert.equal((await settle(market, job)).json.settlement.status, "released");
  assert.equal(await earnedBy(market, market.first), PRICE);
  assert.equal(await earnedBy(market, market.second), SECOND_PRICE);
  await assertSound(market.runtime);
});

test("a canceling run spends no more, and ends as canceled only", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const { runtime, runId } = market;
  await cancel(runtime, runId);
  const quoted = await runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", {
    run_id: runId,
    spec: market.spec,
  });
  if (quoted.status === 200) {
    const reserved = await runtime.post("/internal/v1/treasury/compute/reserve", {
      amount_msats: quoted.json.quote.total_price_msats,
      quote_id: quoted.json.quote.quote_id,
    });
    assert.deepEqual([reserved.status, reserved.json.reason], [409, "run_canceling"]);
  }
  const finish = (status: string) =>
    runtime.post(`/internal/v1/runs/${runId}/events`, { event_type: "run.finished", payload: { status } });
  assert.equal((await finish("succeeded")).json.reason, "transition_not_allowed");
  assert.equal((await finish("canceled")).json.status, "canceled");
  assert.equal((await cancel(runtime, runId)).json.reason, "run_finished");
  await assertBuyerHas(market, TOTAL);
});

test("a cancel and a report that race have one winner: paid work or money back, never both and never neither", async (t) => {
  for (let round = 0; round < 4; round += 1) {
    const market = await startMarket(t);
    const claimed = await claim(market, market.first);
    const [canceled, reported] = await Promise.all([
      cancel(market.runtime, market.runId),
      report(market, market.first, claimed, UNSTORED),
    ]);
    const wasCalledOff = canceled.json.canceled_job_ids.length === 1;
    assert.equal(reported.status, wasCalledOff ? 409 : 200, reported.text);
    assert.equal(canceled.json.voided_msats, wasCalledOff ? TOTAL : 0);
    await assertSound(market.runtime);
  }
});

test("eight cancels call off each job once, the same key answers the same bytes, and others' runs are not there", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const { runtime, runId } = market;
  const token = await runtime.token({ sub: "usr_b", org: "org_b" });
  assert.equal((await runtime.post(`/internal/v1/runs/${runId}/cancel`, {}, { token })).status, 404);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => cancel(runtime, runId, {}, `k${n}`)));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(answers.filter(({ json }) => json.canceled_job_ids.length === 1).length, 1);
  const again = await cancel(runtime, runId, {}, "k0");
  assert.equal(again.text, answers[0]?.text);
  const log = await types(runtime, runId);
  assert.equal(log.filter((type) => type === "job.canceled").length, 1);
  assert.equal(log.filter((type) => type === "budget.voided").length, 1);
  await assertBuyerHas(market, TOTAL);
});

test("a cancel outlives a restart: nothing is offered again", async (t) => {
  const market = await startMarket(t);
  await cancel(market.runtime, market.runId);
  await market.runtime.stop();
  const runtime = await startHarness(t, { databaseUrl: market.runtime.databaseUrl });
  const token = await runtime.token({ sub: "dev_provider", org: "org_provider" });
  assert.equal((await claimAnswer({ runtime }, { ...market.first, token })).json.job, undefined);
  assert.equal((await runtime.get(`/internal/v1/runs/${market.runId}`)).json.run.status, "canceling");
});

function cancel(runtime: Harness, runId: string, body: object = {}, key: string = crypto.randomUUID()) {
  return runtime.post(`/internal/v1/runs/${runId}/cancel`, body, { key });
}

async function types(runtime: Harness, runId: string): Promise<string[]> {
  const { events } = (await runtime.get(`/internal/v1/runs/${runId}/events`)).json;
  return events.map((event: { event_type: string }) => event.event_type);
}
