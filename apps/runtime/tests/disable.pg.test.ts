// Disabling a worker takes effect with the answer: its jobs are called off and
// paid back, and it gets no more. Over HTTP only.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSound } from "./ledger-checks.ts";
import {
  FIXED,
  TOTAL,
  assertBuyerHas,
  claim,
  claimAnswer,
  report,
  settle,
  startMarket,
  verify,
  type Reported,
} from "./market.ts";

const BROKEN: Reported = { baseExit: 1, patchedExit: 1 };

test("a disabled worker's jobs are called off and paid back in the same step, and it is told so", async (t) => {
  const market = await startMarket(t);
  const { job, lease } = await claim(market, market.first);
  const disabled = await market.runtime.post(
    `/internal/v1/workers/${market.first.workerId}/disable`,
    { reason: "emergency" },
    { token: market.first.token, key: "stop" },
  );
  assert.deepEqual(disabled.json.canceled_job_ids, [job.job_id]);
  const renewed = await market.runtime.post(
    `/internal/v1/jobs/${job.job_id}/lease`,
    { lease_id: lease.lease_id },
    { token: market.first.token },
  );
  assert.equal(renewed.json.reason, "job_canceled");
  // Its lease covers nothing any more, so there is nothing to upload by.
  const late = await report(market, market.first, { job, lease }, { ...FIXED, upload: false });
  assert.equal(late.json.reason, "job_canceled");
  assert.equal((await claimAnswer(market, market.first)).json.reason, "worker_disabled");
  await assertBuyerHas(market, TOTAL);
  const events = await market.runtime.get(`/internal/v1/runs/${market.runId}/events`);
  assert.deepEqual(events.json.events.map((event: { event_type: string }) => event.event_type).slice(-2), [
    "job.canceled",
    "budget.voided",
  ]);
  const again = await market.runtime.post(
    `/internal/v1/workers/${market.first.workerId}/disable`,
    { reason: "emergency" },
    { token: market.first.token, key: "stop" },
  );
  assert.equal(again.text, disabled.text);
  await assertSound(market.runtime);
});

test("an operator may disable anyone's worker, another organisation may not", async (t) => {
  const market = await startMarket(t);
  const path = `/internal/v1/workers/${market.first.workerId}/disable`;
  const body = { reason: "emergency" };
  const stranger = await market.runtime.token({ sub: "usr_b", org: "org_b", scopes: ["workers:write"] });
  assert.equal((await market.runtime.post(path, body, { token: stranger })).status, 404);
  const operator = await market.runtime.token({
    sub: "usr_op",
    org: "org_operator",
    scopes: ["workers:write", "admin"],
  });
  assert.equal((await market.runtime.post(path, body, { token: operator })).status, 200);
});

test("disabling races with claims and reports, and the books stay right", async (t) => {
  const market = await startMarket(t);
  const { job, lease } = await claim(market, market.first);
  const disable = () =>
    market.runtime.post(
      `/internal/v1/workers/${market.first.workerId}/disable`,
      { reason: "emergency" },
      { token: market.first.token },
    );
  const [handed] = await Promise.all([
    report(market, market.first, { job, lease }, { ...BROKEN, upload: false }),
    disable(),
    disable(),
    claimAnswer(market, market.first),
  ]);
  const { job: after } = (await market.runtime.get(`/internal/v1/jobs/${job.job_id}`)).json;
  assert.equal(after.status, handed.status === 200 ? "reported" : "canceled");
  if (after.status === "reported") {
    await verify(market, job);
    await settle(market, job);
  }
  await assertBuyerHas(market, TOTAL);
  await assertSound(market.runtime);
});
