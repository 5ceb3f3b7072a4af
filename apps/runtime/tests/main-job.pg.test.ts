// The main job over HTTP only: quote, reserve, dispatch, claim, report, verify,
// settle. The provider here reports what each test needs it to report.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { startHarness } from "./harness.ts";
import { assertSound } from "./ledger-checks.ts";
import {
  FEE,
  FIXED,
  PATCH,
  PRICE,
  PROVIDER,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  assertBuyerHas,
  claim,
  claimAnswer,
  earnedBy,
  register,
  report,
  settle,
  startMarket,
  upload,
  verify,
  work,
  workAndVerify,
} from "./market.ts";

test("a proven and confirmed job pays both providers and the operator exactly the quoted prices", async (t) => {
  const market = await startMarket(t);
  const { job, verified } = await workAndVerify(market, FIXED);
  assert.equal(verified.json.verification.verdict, "proven");
  assert.equal(verified.json.verification.assurance, "self");
  const settled = await settle(market, job);
  assert.equal(settled.json.settlement.status, "released");
  assert.equal(settled.json.settlement.provider_msats, PRICE);
  assert.equal(settled.json.settlement.second_opinion_msats, SECOND_PRICE);
  assert.equal(settled.json.settlement.operator_fee_msats, FEE + SECOND_FEE);

  const payment = await market.runtime.get(`/internal/v1/receipts/${settled.json.receipt_id}`);
  const verification = await market.runtime.get(`/internal/v1/receipts/${verified.json.receipt_id}`);
  assert.equal(
    payment.json.receipt.verification_receipt_sha256,
    verification.json.receipt.canonical_json_sha256,
    "the payment receipt holds the verification receipt's hash",
  );
  assert.equal(await earnedBy(market, market.first), PRICE);
  assert.equal(await earnedBy(market, market.second), SECOND_PRICE);
  await assertBuyerHas(market, 0);
  await assertSound(market.runtime);
});

for (const [what, exits, verdict] of [
  ["a check that passes on the base", { baseExit: 0, patchedExit: 0 }, "passed_only"],
  ["a check that fails on the patch", { baseExit: 1, patchedExit: 1 }, "failed"],
  ["a check that cannot start", { baseExit: 127, patchedExit: 127 }, "inconclusive"],
] as const) {
  test(`${what} pays nobody, and the buyer has everything back`, async (t) => {
    const market = await startMarket(t);
    const job = await work(market, market.first, exits);
    const verified = await verify(market, job);
    assert.equal(verified.json.verification.verdict, verdict);
    const settled = await settle(market, job);
    assert.equal(settled.json.settlement.status, "withheld");
    assert.equal(settled.json.settlement.withheld_reason, `verdict_${verdict}`);
    await assertBuyerHas(market, TOTAL);
    await assertSound(market.runtime);
  });
}

test("a result that names outputs never stored is withheld", async (t) => {
  const market = await startMarket(t);
  const job = await work(market, market.first, { ...FIXED, upload: false });
  const verified = await verify(market, job);
  assert.equal(verified.json.verification.verdict, "inconclusive");
  assert.match(verified.json.verification.violations.join(), /output_missing/);
  assert.equal((await settle(market, job)).json.settlement.withheld_reason, "violations");
  await assertBuyerHas(market, TOTAL);
});

test("money is not released before the verification, nor twice", async (t) => {
  const market = await startMarket(t);
  const claimed = await claim(market, market.first);
  assert.equal((await settle(market, claimed.job)).json.reason, "job_not_verified");
  await report(market, market.first, claimed, FIXED);
  assert.equal((await settle(market, claimed.job)).json.reason, "job_not_verified");
  await verify(market, claimed.job);
  assert.equal((await settle(market, claimed.job)).json.reason, "job_not_verified");
  await work(market, market.second, FIXED);
  await verify(market, claimed.job);
  const answers = await Promise.all(Array.from({ length: 16 }, () => settle(market, claimed.job)));
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
  assert.deepEqual(
    new Set(answers.filter((answer) => answer.status === 409).map((answer) => answer.json.reason)),
    new Set(["already_settled"]),
  );
  assert.equal(await earnedBy(market, market.first), PRICE);
  assert.equal(await earnedBy(market, market.second), SECOND_PRICE);
  await assertSound(market.runtime);
});

test("one job goes to one claim, however many ask at once", async (t) => {
  const market = await startMarket(t);
  const answers = await Promise.all(Array.from({ length: 16 }, () => claimAnswer(market, market.first)));
  assert.equal(answers.filter((answer) => answer.json.job !== undefined).length, 1);
});

test("a waiting claim gets a job the moment it is dispatched", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const waiting = claimAnswer(market, market.first, 20_000);
  await market.dispatch();
  const answer = await waiting;
  assert.equal(answer.json.job.status, "leased");
});

test("a lapsed lease returns the job, and its late result is refused", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const first = await claim(market, market.first);
  clock.advance(31_000);
  await market.runtime.post(
    `/internal/v1/workers/${market.first.workerId}/heartbeat`,
    {},
    { token: market.first.token },
  );
  const second = await claim(market, market.first);
  assert.equal(second.job.job_id, first.job.job_id);
  assert.notEqual(second.lease.lease_id, first.lease.lease_id);
  const late = await report(market, market.first, first, { ...FIXED, upload: false });
  assert.equal(late.json.reason, "lease_lapsed");
  const onTime = await report(market, market.first, second, FIXED);
  assert.equal(onTime.status, 200, onTime.text);
});

test("a disabled worker gets no job", async (t) => {
  const market = await startMarket(t);
  await market.runtime.post(
    `/internal/v1/workers/${market.first.workerId}/disable`,
    { reason: "test" },
    { token: market.first.token },
  );
  assert.equal((await claimAnswer(market, market.first)).json.reason, "worker_disabled");
});

test("a provider reads a job's inputs only while it holds the lease", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const path = `/internal/v1/artifacts/${market.patchSha256}`;
  assert.equal((await market.runtime.get(path, { token: market.first.token })).status, 404);
  const { lease } = await claim(market, market.first);
  const leased = `${path}?lease_id=${lease.lease_id}`;
  assert.equal((await market.runtime.get(leased, { token: market.first.token })).text, PATCH);
  const stranger = await market.runtime.token({ sub: "usr_b", org: "org_b" });
  assert.equal((await market.runtime.get(leased, { token: stranger })).status, 404);
  clock.advance(31_000);
  assert.equal((await market.runtime.get(leased, { token: market.first.token })).json.code, "lease_lapsed");
});

test("an order that no provider took can be called off; one that is worked on cannot", async (t) => {
  const market = await startMarket(t);
  const path = `/internal/v1/treasury/compute/reservations/${market.reservationId}/void`;
  const claimed = await claim(market, market.first);
  assert.equal((await market.runtime.post(path, {})).json.reason, "job_taken");
  await report(market, market.first, claimed, FIXED);
  assert.equal((await market.runtime.post(path, {})).json.reason, "job_taken");

  const other = await startMarket(t);
  const voided = await other.runtime.post(
    `/internal/v1/treasury/compute/reservations/${other.reservationId}/void`,
    {},
  );
  assert.equal(voided.status, 200);
  assert.equal((await claimAnswer(other, other.first)).json.job, undefined);
  await assertBuyerHas(other, TOTAL);
});

test("a quote keeps its price when the provider raises it, and ends at its time", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs, dispatch: false });
  await register(market.runtime, market.first.token, PRICE * 10, market.first.workerId);
  assert.equal(market.quote.total_price_msats, TOTAL);
  clock.advance(60_000);
  const late = await market.dispatch();
  assert.equal(late.json.reason, "quote_expired");
});

test("an order is dispatched once, whatever key asks again and whatever became of its money", async (t) => {
  const market = await startMarket(t);
  const again = await market.dispatch();
  assert.equal(again.status, 409);
  assert.equal(again.json.reason, "already_dispatched");
  await market.runtime.post(`/internal/v1/treasury/compute/reservations/${market.reservationId}/void`, {});
  const reserved = await market.runtime.post("/internal/v1/treasury/compute/reserve", {
    amount_msats: market.quote.total_price_msats,
    quote_id: market.quote.quote_id,
  });
  assert.equal(reserved.json.reason, "quote_used");
});

test("a provider that asks nothing is refused, since money of nothing cannot be reserved", async (t) => {
  const runtime = await startHarness(t);
  const answer = await runtime.post("/internal/v1/workers", { ...PROVIDER, price_msats: 0 });
  assert.equal(answer.status, 400);
  assert.equal(answer.json.field_errors[0].field, "price_msats");
});

test("the owner's name in another organisation owns neither the job nor its lease", async (t) => {
  const market = await startMarket(t);
  const claimed = await claim(market, market.first);
  const { job, lease } = claimed;
  const namesake = await market.runtime.token({ sub: "dev_provider", org: "org_other" });
  const path = `/internal/v1/jobs/${job.job_id}`;
  assert.equal((await market.runtime.get(path, { token: namesake })).status, 404);
  const input = `/internal/v1/artifacts/${market.patchSha256}?lease_id=${lease.lease_id}`;
  assert.equal((await market.runtime.get(input, { token: namesake })).status, 404);
  const renewed = await market.runtime.post(
    `${path}/lease`,
    { lease_id: lease.lease_id },
    { token: namesake },
  );
  assert.equal(renewed.status, 404);
  const stolen = await report(market, { token: namesake }, claimed, { ...FIXED, upload: false });
  assert.equal(stolen.status, 404);
});

test("legs that ran on the same tree prove nothing", async (t) => {
  const market = await startMarket(t);
  const job = await work(market, market.first, { ...FIXED, patchedTree: "b".repeat(40) });
  const verified = await verify(market, job);
  assert.deepEqual(verified.json.verification.violations, ["trees_equal"]);
  assert.equal((await settle(market, job)).json.settlement.status, "withheld");
});

test("an order that no provider could work on is refused before it has a price", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const quote = (changes: object) =>
    market.runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", {
      run_id: market.runId,
      spec: { ...market.spec, ...changes },
    });
  const hostile = await upload(market.runtime, PATCH.replaceAll("src/sum.js", "../sum.js"));
  const cases: [object, string][] = [
    [{ patch_sha256: "e".repeat(64) }, "artifact_missing"],
    [{ base_bundle_sha256: "e".repeat(64) }, "artifact_missing"],
    [{ patch_sha256: hostile }, "patch_refused"],
    [{ patch_test_paths: ["test/other.test.js"] }, "patch_test_paths_differ"],
    [{ guard_paths: ["test/other.test.js"] }, "guard_paths_differ"],
    [{ layers: [{ kind: "npm", sha256: "e".repeat(64), path: "node_modules" }] }, "artifact_missing"],
    [{ config_sha256: await upload(market.runtime, "{}") }, "config_invalid"],
  ];
  for (const [changes, code] of cases) {
    const answer = await quote(changes);
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.json.field_errors[0].code, code);
  }
});

test("the run's log has every step in order, and its receipt repeats byte for byte", async (t) => {
  const market = await startMarket(t);
  const { job } = await workAndVerify(market, FIXED);
  await settle(market, job);
  const finished = await market.runtime.post(`/internal/v1/runs/${market.runId}/events`, {
    event_type: "run.finished",
    payload: { status: "succeeded" },
  });
  assert.equal(finished.json.status, "succeeded");
  const events = await market.runtime.get(`/internal/v1/runs/${market.runId}/events`);
  assert.deepEqual(
    events.json.events.map((event: { event_type: string }) => event.event_type),
    [
      "run.started",
      "quote.selected",
      "budget.reserved",
      "job.dispatched",
      "job.reported",
      "job.dispatched",
      "verification.second_opinion_requested",
      "job.reported",
      "verification.recorded",
      "payment.released",
      "run.finished",
    ],
  );
  const receipt = await market.runtime.get(`/internal/v1/runs/${market.runId}/receipt`);
  assert.equal((await market.runtime.get(`/internal/v1/runs/${market.runId}/receipt`)).text, receipt.text);
  assert.equal(receipt.json.receipt.payments_msats_total, TOTAL);
  const replay = await market.runtime.get(`/internal/v1/runs/${market.runId}/replay`);
  assert.equal(replay.text.trimEnd().split("\n").length, 11 + 3);
});
