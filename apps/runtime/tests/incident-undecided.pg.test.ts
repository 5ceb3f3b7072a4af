// Where two runs of a job disagree, its money waits for the operator's decision:
// whoever told the truth is then paid, and whoever did not is not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { assertSound } from "./ledger-checks.ts";
import {
  FIXED,
  PRICE,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  assertBuyerHas,
  decideBy,
  earnedBy,
  settle,
  startIndependent,
  startMarket,
  verify,
  work,
  workAndVerify,
} from "./market.ts";

const BROKEN = { baseExit: 1, patchedExit: 1 };
const SETTLE = "/internal/v1/treasury/compute/settle/sandbox-run";
const DAY_MS = 86_400_000;

test("a settlement before the decision is refused and says what to wait for; its key keeps that, and another settles", async (t) => {
  const market = await startMarket(t);
  const { job, verified } = await workAndVerify(market, FIXED, BROKEN);
  const { incident_id: incidentId } = verified.json.verification;
  const body = { job_id: job.job_id };
  const early = await market.runtime.post(SETTLE, body, { key: "early" });
  assert.equal(early.status, 409);
  assert.equal(early.json.code, "refused_state");
  assert.equal(early.json.reason, "incident_undecided");
  assert.match(early.json.detail, new RegExp(`under a new key once ${incidentId} is decided`));
  assert.match(early.json.detail, /or after \d{4}-/);
  const path = `/internal/v1/treasury/compute/settlements/${job.job_id}`;
  assert.equal((await market.runtime.get(path)).status, 404);

  assert.equal(await decideBy(market, incidentId, BROKEN), "first_struck");
  const again = await market.runtime.post(SETTLE, body, { key: "early" });
  assert.equal(again.text, early.text, "the same bytes");
  const answers = await Promise.all(Array.from({ length: 8 }, () => settle(market, job)));
  const won = answers.filter(({ status }) => status === 200);
  assert.equal(won.length, 1);
  assert.ok(answers.every((each) => each.status === 200 || each.json.reason === "already_settled"));
  const { settlement } = won[0]?.json ?? {};
  assert.deepEqual(
    [settlement.withheld_reason, settlement.provider_msats, settlement.second_opinion_msats],
    ["disagreement", 0, SECOND_PRICE],
  );
  assert.equal(await earnedBy(market, market.second), SECOND_PRICE);
  await assertBuyerHas(market, TOTAL - SECOND_PRICE - SECOND_FEE);
  const read = await market.runtime.get(path);
  assert.deepEqual(read.json.settlement, settlement);
  const stranger = await market.runtime.token({ org: "org_b" });
  assert.equal((await market.runtime.get(path, { token: stranger })).status, 404);
  await assertSound(market.runtime);
});

test("an honest first provider whose peer lied is paid, and the liar is not", async (t) => {
  const market = await startIndependent(t);
  const { job, verified } = await workAndVerify(market, FIXED, BROKEN);
  assert.equal((await settle(market, job)).json.reason, "incident_undecided");
  assert.equal(await decideBy(market, verified.json.verification.incident_id, FIXED), "second_struck");
  const { settlement } = (await settle(market, job)).json;
  assert.deepEqual([settlement.status, settlement.second_opinion_msats], ["released", 0]);
  assert.equal(await earnedBy(market, market.first), PRICE);
  assert.equal(await earnedBy(market, market.second), 0);
  const { token } = market.second;
  const [line] = (await market.runtime.get("/internal/v1/treasury/provider/statement", { token })).json.lines;
  assert.equal(line.withheld_reason, "disagreement");
  await assertSound(market.runtime);
});

test("what is not verified or was settled is refused as that first", async (t) => {
  const market = await startMarket(t);
  const job = await work(market, market.first, FIXED);
  assert.equal((await settle(market, job)).json.reason, "job_not_verified");
  await verify(market, job);
  const second = await work(market, market.second, BROKEN);
  const { verification } = (await verify(market, job)).json;
  assert.equal((await settle(market, second)).json.reason, "job_not_work");
  assert.equal((await settle(market, job)).json.reason, "incident_undecided");
  await decideBy(market, verification.incident_id, FIXED);
  await settle(market, job);
  assert.equal((await settle(market, job)).json.reason, "already_settled");
});

test("its reservation outlives its time while the incident is open, and a day without a decision ends in nobody's pay", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs, reconcileEveryMs: 20, ttlMs: 60_000 });
  const { job } = await workAndVerify(market, FIXED, BROKEN);
  const token = () => market.runtime.token();
  const reconcile = async () =>
    (await market.runtime.post("/internal/v1/treasury/compute/reconcile", {}, { token: await token() })).json;
  const settleNow = async () => market.runtime.post(SETTLE, { job_id: job.job_id }, { token: await token() });
  clock.advance(DAY_MS - 60_000);
  assert.deepEqual((await reconcile()).freed, []);
  assert.equal((await settleNow()).json.reason, "incident_undecided");
  const held = await market.runtime.get("/internal/v1/treasury/compute/summary", { token: await token() });
  assert.equal(held.json.reserved_msats, TOTAL);

  clock.advance(60_000);
  // The service settles it by itself.
  const path = `/internal/v1/treasury/compute/settlements/${job.job_id}`;
  for (;;) {
    const read = await market.runtime.get(path, { token: await token() });
    if (read.status === 404) continue;
    assert.equal(read.json.settlement.withheld_reason, "incident_undecided");
    break;
  }
  const buyer = await market.runtime.get("/internal/v1/treasury/compute/summary", { token: await token() });
  assert.deepEqual([buyer.json.available_msats, buyer.json.reserved_msats], [TOTAL, 0]);
  const provider = await market.runtime.token({ sub: "dev_provider", org: "org_provider" });
  const [line] = (await market.runtime.get("/internal/v1/treasury/provider/statement", { token: provider }))
    .json.lines;
  assert.match(line.withheld_because, /nobody decided in time/);
  const audit = await market.runtime.get("/internal/v1/ledger/audit", { token: await token() });
  assert.equal(audit.json.ok, true, audit.text);
});
