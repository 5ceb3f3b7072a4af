// A verdict is earned: what would be paid for is run again by another owner's
// worker, liars are struck after the operator's own run, and withheld.
// Over HTTP only.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { assertSound, grant } from "./ledger-checks.ts";
import {
  FEE,
  FIXED,
  PRICE,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  assertBuyerHas,
  claim,
  claimAnswer,
  earnedBy,
  joinMarket,
  joinReserve,
  order,
  report,
  settle,
  startIndependent,
  startMarket,
  verify,
  work,
  workAndVerify,
  type Market,
  type Party,
  type Reported,
} from "./market.ts";

const BROKEN: Reported = { baseExit: 1, patchedExit: 1 };

const DAY_MS = 86_400_000;

test("the first report alone is the provider's word: awaited, asked for again without effect, never paid", async (t) => {
  const market = await startMarket(t);
  const job = await work(market, market.first, FIXED);
  const asked = await verify(market, job);
  assert.equal(asked.status, 200);
  assert.equal(asked.json.verification.assurance, "provider");
  const { second_job: second } = asked.json;
  assert.equal(second.purpose, "second_opinion");
  assert.equal(second.primary_job_id, job.job_id);
  assert.equal(second.provider_worker_id, market.second.workerId);
  const again = await verify(market, job);
  assert.equal(again.json.second_job.job_id, second.job_id, "one second run, however often it is asked for");
  assert.equal((await settle(market, job)).json.reason, "job_not_verified");
  assert.equal((await verify(market, second)).json.reason, "job_not_work");
  assert.equal((await settle(market, second)).json.reason, "job_not_work");
});

test("sixteen verifications at once order one second run", async (t) => {
  const market = await startMarket(t);
  const job = await work(market, market.first, FIXED);
  const answers = await Promise.all(Array.from({ length: 16 }, () => verify(market, job)));
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
  assert.equal(new Set(answers.map((answer) => answer.json.second_job.job_id)).size, 1);
  await work(market, market.second, FIXED);
  const finals = await Promise.all(Array.from({ length: 16 }, () => verify(market, job)));
  assert.equal(finals.filter((answer) => answer.status === 200).length, 1);
  assert.ok(finals.every((answer) => answer.status === 200 || answer.json.reason === "already_verified"));
});

test("another owner's agreeing run makes a verdict independent", async (t) => {
  const market = await startIndependent(t);
  const { job, verified } = await workAndVerify(market, FIXED);
  assert.equal(verified.json.verification.assurance, "independent");
  assert.equal((await settle(market, job)).json.settlement.status, "released");
  assert.equal(await earnedBy(market, market.second), PRICE);
});

test("an honest failing check is final at once, pays nobody, and strikes nobody", async (t) => {
  const market = await startMarket(t);
  await joinReserve(market);
  const job = await work(market, market.first, BROKEN);
  const verified = await verify(market, job);
  assert.equal(verified.json.verification.status, "final");
  assert.equal(verified.json.verification.verdict, "failed");
  assert.equal(verified.json.verification.incident_id, undefined);
  assert.equal((await settle(market, job)).json.settlement.withheld_reason, "verdict_failed");
  assert.equal((await incidents(market)).length, 0);
  assert.equal(await strikesOf(market, market.first), 0);
  await assertBuyerHas(market, TOTAL);
});

test("a first report that the second run contradicts waits for the third, which strikes its provider and pays the other", async (t) => {
  const market = await startMarket(t);
  const { job, verified } = await workAndVerify(market, FIXED, BROKEN);
  const { verification } = verified.json;
  assert.equal(verification.verdict, "inconclusive");
  assert.equal(verification.disagreement, true);
  assert.match(verification.because, /patched leg exits 0 in the first run and exits 1 in the second/);
  assert.equal((await settle(market, job)).json.reason, "incident_undecided");
  assert.equal(await strikesOf(market, market.first), 0, "nobody is struck before the third run");

  const reserve = await joinReserve(market);
  const third = await claim(market, reserve, 20_000);
  assert.ok(third.job.repeats > 1);
  await report(market, reserve, third, BROKEN);
  const incident = await decided(market, verification.incident_id);
  assert.equal(incident.outcome, "first_struck");
  assert.equal(await strikesOf(market, market.first), 1);
  assert.equal(await strikesOf(market, market.second), 0);
  const settled = await settle(market, job);
  assert.equal(settled.json.settlement.withheld_reason, "disagreement");
  assert.equal(await earnedBy(market, market.second), SECOND_PRICE);
  await assertBuyerHas(market, TOTAL - SECOND_PRICE - SECOND_FEE);
  await assertSound(market.runtime);
});

test("one buyer's disagreements strike a provider once a day, however often it orders", async (t) => {
  const market = await startMarket(t);
  const reserve = await joinReserve(market);
  await grant(market.runtime, TOTAL);
  for (let round = 1; round <= 2; round += 1) {
    if (round > 1) await order(market.runtime);
    const { job, verified } = await workAndVerify(market, FIXED, BROKEN);
    await report(market, reserve, await claim(market, reserve, 20_000), BROKEN);
    const incident = await decided(market, verified.json.verification.incident_id);
    assert.equal(incident.outcome, "first_struck");
    assert.equal((await settle(market, job)).json.settlement.status, "withheld");
    assert.equal(await strikesOf(market, market.first), 1);
  }
});

test("a day after a strike, the same buyer's next disagreement strikes again", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const reserve = await joinReserve(market);
  await grant(market.runtime, 2 * TOTAL);
  const owners = [
    [market.first, { sub: "dev_provider", org: "org_provider" }],
    [market.second, { sub: "dev_own", org: "org_a" }],
    [reserve, { sub: "svc_reserve", org: "org_operator", zone: "0" }],
  ] as const;
  for (const [afterMs, strikes] of [
    [0, 1],
    [DAY_MS - 1, 1],
    [1, 2],
  ] as const) {
    clock.advance(afterMs);
    // Tokens and heartbeats of yesterday are worth nothing.
    const [first, second, third] = await Promise.all(
      owners.map(async ([party, owner]) => {
        const token = await market.runtime.token(owner);
        await market.runtime.post(`/internal/v1/workers/${party.workerId}/heartbeat`, {}, { token });
        return { ...party, token };
      }),
    );
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const now = {
      ...market,
      first,
      second,
      ...(strikes === 1 && afterMs === 0 ? {} : await order(market.runtime)),
    };
    const { job, verified } = await workAndVerify(now, FIXED, BROKEN);
    await report(now, third, await claim(now, third, 20_000), BROKEN);
    assert.equal((await decided(now, verified.json.verification.incident_id)).outcome, "first_struck");
    await settle(now, job);
    assert.equal(await strikesOf(now, first), strikes);
  }
});

test("the operator decides also what somebody contradicts of a report of its reserve", async (t) => {
  const market = await startMarket(t);
  const reserve = await joinReserve(market);
  const stopped = await market.runtime.post(
    `/internal/v1/workers/${market.first.workerId}/stop`,
    {},
    { token: market.first.token },
  );
  assert.equal(stopped.status, 200, stopped.text);
  await grant(market.runtime, 10 * TOTAL);
  const ordered = await order(market.runtime, { secondOpinion: "self" });
  const { verified } = await workAndVerify({ ...market, first: reserve, ...ordered }, FIXED, BROKEN);
  await report(market, reserve, await claim(market, reserve, 20_000), FIXED);
  const incident = await decided(market, verified.json.verification.incident_id);
  assert.equal(incident.outcome, "second_struck");
  assert.equal(await strikesOf(market, reserve), 0);
});

test("the operator decides also what a worker of its reserve contradicts as the second one", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const reserve = await joinReserve(market);
  await grant(market.runtime, 2 * TOTAL);
  await market.runtime.post(`/internal/v1/treasury/compute/reservations/${market.reservationId}/void`, {});
  const ordered = await order(market.runtime, { secondOpinion: "independent" });
  const { verified } = await workAndVerify({ ...market, second: reserve, ...ordered }, FIXED, BROKEN);
  await report(market, reserve, await claim(market, reserve, 20_000), BROKEN);
  const incident = await decided(market, verified.json.verification.incident_id);
  assert.equal(incident.outcome, "first_struck");
});

test("a second provider that lies is the one who is struck", async (t) => {
  const market = await startIndependent(t);
  const { verified } = await workAndVerify(market, FIXED, BROKEN);
  const reserve = await joinReserve(market);
  await report(market, reserve, await claim(market, reserve, 20_000), FIXED);
  const incident = await decided(market, verified.json.verification.incident_id);
  assert.equal(incident.outcome, "second_struck");
  assert.equal(await strikesOf(market, market.first), 0);
  assert.equal(await strikesOf(market, market.second), 1);
});

test("when the operator's own runs differ the check is flaky, and nobody is struck", async (t) => {
  const market = await startMarket(t);
  const { verified } = await workAndVerify(market, FIXED, BROKEN);
  const reserve = await joinReserve(market);
  await report(market, reserve, await claim(market, reserve, 20_000), { ...FIXED, rounds: [0, 1, 0] });
  const incident = await decided(market, verified.json.verification.incident_id);
  assert.equal(incident.outcome, "flaky");
  assert.equal(await strikesOf(market, market.first), 0);
  assert.equal(await strikesOf(market, market.second), 0);
});

for (const [what, lie, violation] of [
  ["a hash that was never stored", { ...FIXED, upload: false }, /^output_missing:/],
  ["another job's output", { ...FIXED, another: true }, /^output_of_another_job:/],
  ["another job's tree", { ...FIXED, patchedTree: "b".repeat(40) }, /^trees_equal$/],
] as const) {
  test(`a provider that names ${what} is withheld at once, and struck after the third run`, async (t) => {
    const market = await startMarket(t);
    const earlier = await anotherOutput(market);
    const job = await work(
      market,
      market.first,
      "another" in lie ? { ...FIXED, outputSha256: earlier } : lie,
    );
    const verified = await verify(market, job);
    assert.equal(verified.json.verification.status, "final");
    assert.match(verified.json.verification.violations[0], violation);
    assert.equal((await settle(market, job)).json.settlement.withheld_reason, "violations");
    await assertBuyerHas(market, TOTAL);
    assert.equal(await strikesOf(market, market.first), 0);
    const reserve = await joinReserve(market);
    await report(market, reserve, await claim(market, reserve, 20_000), BROKEN);
    const incident = await decided(market, verified.json.verification.incident_id);
    assert.equal(incident.kind, "violation");
    assert.equal(incident.outcome, "first_struck");
    assert.equal(await strikesOf(market, market.first), 1);
  });
}

test("three strikes quarantine a worker: it gets no job, no order, and no new name", async (t) => {
  const market = await startMarket(t);
  const reserve = await joinReserve(market);
  await grant(market.runtime, 3 * TOTAL);
  for (let strike = 1; strike <= 3; strike += 1) {
    if (strike > 1) await order(market.runtime);
    const job = await work(market, market.first, { ...FIXED, upload: false });
    const verified = await verify(market, job);
    await settle(market, job);
    await report(market, reserve, await claim(market, reserve, 20_000), BROKEN);
    await decided(market, verified.json.verification.incident_id);
    assert.equal(await strikesOf(market, market.first), strike);
  }
  assert.equal((await claimAnswer(market, market.first)).json.reason, "worker_quarantined");
  const renamed = await market.runtime.post(
    "/internal/v1/workers",
    {
      display_name: "a new name",
      roles: ["provider"],
      capabilities: ["oa.sandbox_run.v1"],
      price_msats: 1,
      caps: { memory_mib_max: 1024, disk_mib_max: 1024, wall_ms_max: 120_000, concurrent_jobs_max: 1 },
      toolchains: [],
    },
    { token: market.first.token },
  );
  assert.equal(renamed.json.reason, "worker_quarantined");
  const run = await market.runtime.post("/internal/v1/runs", { issue: { title: "x", body: "" } });
  const quoted = await market.runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", {
    run_id: run.json.run.run_id,
    spec: market.spec,
  });
  assert.equal(quoted.json.quote.provider_worker_id, market.second.workerId, "the next in rank is selected");
  await assertSound(market.runtime);
});

test("strikes are the organisation's: another of its workers has them too, and a reinstated one has none", async (t) => {
  const market = await startMarket(t);
  const sibling = await joinMarket(market.runtime, { sub: "dev_sibling", org: "org_provider" }, PRICE * 9);
  const reserve = await joinReserve(market);
  const job = await work(market, market.first, { ...FIXED, upload: false });
  const verified = await verify(market, job);
  await report(market, reserve, await claim(market, reserve, 20_000), BROKEN);
  await decided(market, verified.json.verification.incident_id);
  assert.equal(await strikesOf(market, sibling), 1);
  const renamed = await joinMarket(market.runtime, { sub: "dev_renamed", org: "org_provider" }, PRICE * 9);
  assert.equal(await strikesOf(market, renamed), 1, "a new name starts with them");
  const path = `/internal/v1/workers/${market.first.workerId}/reinstate`;
  const body = { reason: "seen" };
  const plain = await market.runtime.token({ sub: "usr_b", org: "org_b", scopes: ["workers:reinstate"] });
  assert.equal((await market.runtime.post(path, body, { token: plain })).status, 403);
  assert.equal((await market.runtime.post(path, body)).status, 200);
  assert.equal(await strikesOf(market, sibling), 0);
});

test("a reserve that was stopped in the middle acquits nobody: it is asked again", async (t) => {
  const market = await startMarket(t);
  const { verified } = await workAndVerify(market, FIXED, BROKEN);
  const reserve = await joinReserve(market);
  const { job, lease } = await claim(market, reserve, 20_000);
  await market.runtime.post(
    `/internal/v1/jobs/${job.job_id}/result`,
    { lease_id: lease.lease_id, failure: { code: "provider_stopped", detail: "" } },
    { token: reserve.token },
  );
  await report(market, reserve, await claim(market, reserve, 20_000), BROKEN);
  const incident = await decided(market, verified.json.verification.incident_id);
  assert.equal(incident.outcome, "first_struck");
});

test("a second run that could not be made is given to someone else, and the first provider still paid", async (t) => {
  const market = await startMarket(t, { secondOpinion: "self" });
  const spare = await joinMarket(market.runtime, { sub: "dev_spare", org: "org_a" }, SECOND_PRICE);
  const job = await work(market, market.first, FIXED);
  await verify(market, job);
  const { job: second, lease } = await claim(market, market.second);
  await market.runtime.post(
    `/internal/v1/jobs/${second.job_id}/result`,
    { lease_id: lease.lease_id, failure: { code: "provider_error", detail: "" } },
    { token: market.second.token },
  );
  const replaced = await verify(market, job);
  assert.equal(replaced.json.verification.status, "awaiting_second_opinion");
  assert.equal(replaced.json.second_job.provider_worker_id, spare.workerId);
  await work(market, spare, FIXED);
  assert.equal((await verify(market, job)).json.verification.verdict, "proven");
  assert.equal((await settle(market, job)).json.settlement.status, "released");
  assert.equal(await earnedBy(market, market.first), PRICE);
  await assertSound(market.runtime);
});

test("a provider is not told that its run is a second one", async (t) => {
  const market = await startIndependent(t);
  const job = await work(market, market.first, FIXED);
  await verify(market, job);
  const second = await claim(market, market.second);
  assert.equal(second.job.purpose, "work");
  assert.ok(!("primary_job_id" in second.job));
  const read = await market.runtime.get(`/internal/v1/jobs/${second.job.job_id}`, {
    token: market.second.token,
  });
  assert.equal(read.json.job.purpose, "work");
  const buyers = await market.runtime.get(`/internal/v1/jobs/${second.job.job_id}`);
  assert.equal(buyers.json.job.primary_job_id, job.job_id);
});

test("runs that agree in their exit codes and not in their trees disagree", async (t) => {
  const market = await startMarket(t);
  const { verified } = await workAndVerify(market, FIXED, { ...FIXED, patchedTree: "e".repeat(40) });
  assert.equal(verified.json.verification.disagreement, true);
  assert.match(verified.json.verification.because, /patched leg was not run in the same tree/);
});

test("a second run that hit a limit contradicts nobody, is not paid, and is given to someone else", async (t) => {
  const market = await startMarket(t, { secondOpinion: "self" });
  const spare = await joinMarket(market.runtime, { sub: "dev_spare", org: "org_a" }, SECOND_PRICE);
  const job = await work(market, market.first, FIXED);
  await verify(market, job);
  await work(market, market.second, { ...FIXED, limit: "wall" });
  const replaced = await verify(market, job);
  assert.equal(replaced.json.second_job.provider_worker_id, spare.workerId);
  await work(market, spare, { ...FIXED, limit: "memory" });
  const verified = await verify(market, job);
  assert.equal(verified.json.verification.verdict, "inconclusive");
  assert.equal(verified.json.verification.incident_id, undefined);
  const settled = await settle(market, job);
  assert.equal(settled.json.settlement.second_opinion_msats, 0);
  await assertBuyerHas(market, TOTAL);
  await assertSound(market.runtime);
});

test("a provider cannot hold a job beyond what its limits allow: the lease ends, and the buyer has the money back", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const { job, lease } = await claim(market, market.first);
  // A token lives for ten minutes of this clock.
  const renew = async () =>
    market.runtime.post(
      `/internal/v1/jobs/${job.job_id}/lease`,
      { lease_id: lease.lease_id },
      { token: await market.runtime.token({ sub: "dev_provider", org: "org_provider" }) },
    );
  // One command of 60 s, three legs, and ten minutes for all around them.
  const allowedMs = 3 * 60_000 + 600_000;
  for (let passedMs = 0; passedMs + 20_000 < allowedMs; passedMs += 20_000) {
    clock.advance(20_000);
    assert.equal((await renew()).status, 200);
  }
  clock.advance(20_000);
  assert.equal((await renew()).json.reason, "job_overdue");
  clock.advance(30_000);
  const path = `/internal/v1/treasury/compute/reservations/${market.reservationId}/void`;
  const voided = await market.runtime.post(path, {}, { token: await market.runtime.token() });
  assert.equal(voided.status, 200, voided.text);
});

test("a second run that a living worker never takes is called off after a while, and the money is free again", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const job = await work(market, market.first, FIXED);
  await verify(market, job);
  const beat = async (afterMs: number) => {
    clock.advance(afterMs);
    const path = `/internal/v1/workers/${market.second.workerId}/heartbeat`;
    const beaten = await market.runtime.post(
      path,
      {},
      { token: await market.runtime.token({ sub: "dev_own", org: "org_a" }) },
    );
    assert.equal(beaten.status, 200, beaten.text);
    return market.runtime.post(
      "/internal/v1/verifications/sandbox-run",
      { job_id: job.job_id },
      { token: await market.runtime.token() },
    );
  };
  assert.equal((await beat(890_000)).json.verification.status, "awaiting_second_opinion");
  const verified = await beat(20_000);
  assert.equal(verified.json.verification.verdict, "inconclusive");
  assert.equal(verified.json.verification.incident_id, undefined);
});

test("whoever replaces a second provider is paid what it asks, and the rest is the buyer's again", async (t) => {
  const market = await startMarket(t);
  const cheaper = await joinMarket(market.runtime, { sub: "dev_other", org: "org_other" }, 500);
  const job = await work(market, market.first, FIXED);
  await verify(market, job);
  const { job: second, lease } = await claim(market, market.second);
  await market.runtime.post(
    `/internal/v1/jobs/${second.job_id}/result`,
    { lease_id: lease.lease_id, failure: { code: "sandbox_unavailable", detail: "" } },
    { token: market.second.token },
  );
  await verify(market, job);
  await work(market, cheaper, FIXED);
  assert.equal((await verify(market, job)).json.verification.assurance, "independent");
  const { settlement } = (await settle(market, job)).json;
  assert.equal(settlement.second_opinion_msats, 500);
  assert.equal(settlement.operator_fee_msats, FEE + 3);
  assert.equal(await earnedBy(market, cheaper), 500);
  await assertBuyerHas(market, TOTAL - PRICE - FEE - 500 - 3);
});

test("a second provider that was stopped in the middle is asked again", async (t) => {
  const market = await startMarket(t, { secondOpinion: "self" });
  const job = await work(market, market.first, FIXED);
  await verify(market, job);
  const { job: second, lease } = await claim(market, market.second);
  await market.runtime.post(
    `/internal/v1/jobs/${second.job_id}/result`,
    { lease_id: lease.lease_id, failure: { code: "provider_stopped", detail: "" } },
    { token: market.second.token },
  );
  const again = await verify(market, job);
  assert.equal(again.json.second_job.provider_worker_id, market.second.workerId);
  await work(market, market.second, FIXED);
  assert.equal((await verify(market, job)).json.verification.verdict, "proven");
});

test("a second provider that is away is replaced, and without anyone the report stays unconfirmed and unpaid", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const job = await work(market, market.first, FIXED);
  const asked = await verify(market, job);
  clock.advance(121_000);
  const verified = await verify(market, job);
  assert.equal(verified.json.verification.status, "final");
  assert.equal(verified.json.verification.verdict, "inconclusive");
  assert.equal(verified.json.verification.incident_id, undefined);
  assert.equal((await settle(market, job)).json.settlement.withheld_reason, "verdict_inconclusive");
  await assertBuyerHas(market, TOTAL);
  assert.equal((await claimAnswer(market, market.second)).json.job, undefined, "the order is called off");
  const second = await market.runtime.get(`/internal/v1/jobs/${asked.json.second_job.job_id}`);
  assert.equal(second.json.job.status, "canceled");
});

const CONFIG_PATCH = `diff --git a/package.json b/package.json
index 1111111..2222222 100644
--- a/package.json
+++ b/package.json
@@ -1 +1 @@
-{"scripts":{"test":"node --test"}}
+{"scripts":{"test":"exit 0"}}
`;

for (const decision of ["accepted", "rejected"] as const) {
  test(`a patch of the check's configuration stays reserved until a person has ${decision} it`, async (t) => {
    const market = await startMarket(t, { patch: CONFIG_PATCH, spec: { guard_paths: ["package.json"] } });
    const exits = { ...FIXED, guardExit: 0 };
    const { job, verified } = await workAndVerify(market, exits);
    assert.equal(verified.json.verification.verdict, "needs_review");
    assert.deepEqual(verified.json.verification.review_paths, ["package.json"]);
    const early = await settle(market, job);
    assert.equal(early.status, 409);
    assert.equal(early.json.reason, "needs_review");
    const review = (word: string) =>
      market.runtime.post(`/internal/v1/verifications/${job.job_id}/review`, {
        decision: word,
        note: "seen",
      });
    const answers = await Promise.all(Array.from({ length: 8 }, () => review(decision)));
    assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
    assert.equal((await review("accepted")).json.reason, "already_reviewed");
    const settled = await settle(market, job);
    assert.equal(settled.json.settlement.status, decision === "accepted" ? "released" : "withheld");
    const first = decision === "accepted" ? PRICE + FEE : 0;
    assert.equal(await earnedBy(market, market.second), SECOND_PRICE, "the second run is paid either way");
    await assertBuyerHas(market, TOTAL - first - SECOND_PRICE - SECOND_FEE);
    await assertSound(market.runtime);
  });
}

test("only what needs review is reviewed", async (t) => {
  const market = await startMarket(t);
  const job = await work(market, market.first, FIXED);
  const path = `/internal/v1/verifications/${job.job_id}/review`;
  const body = { decision: "accepted", note: "" };
  assert.equal((await market.runtime.post(path, body)).json.reason, "job_not_verified");
  await verify(market, job);
  await work(market, market.second, FIXED);
  await verify(market, job);
  assert.equal((await market.runtime.post(path, body)).json.reason, "review_not_needed");
});

test("incidents are seen by their parties and the operator only, and decided ones stay", async (t) => {
  const market = await startMarket(t);
  const { verified } = await workAndVerify(market, FIXED, BROKEN);
  const path = `/internal/v1/fraud/incidents/${verified.json.verification.incident_id}`;
  const scopes = ["fraud:read"];
  const party = await market.runtime.token({ sub: "dev_provider", org: "org_provider", scopes });
  const stranger = await market.runtime.token({ sub: "usr_b", org: "org_b", scopes });
  assert.equal((await market.runtime.get(path, { token: party })).status, 200);
  assert.equal((await market.runtime.get(path, { token: stranger })).status, 404);
  const list = (token: string) => market.runtime.get("/internal/v1/fraud/incidents", { token });
  assert.equal((await list(party)).json.incidents.length, 1);
  assert.equal((await list(stranger)).json.incidents.length, 0);
  const missing = await market.runtime.post(`${path}/adjudicate`, {});
  assert.equal(missing.status, 503);
  assert.equal(missing.json.code, "no_reserve_worker");
  const reserve = await joinReserve(market);
  await report(market, reserve, await claim(market, reserve, 20_000), FIXED);
  await decided(market, verified.json.verification.incident_id);
  assert.equal((await market.runtime.post(`${path}/adjudicate`, {})).json.reason, "incident_decided");
});

/** Work of the same provider for the same buyer, stored and readable by both: its output's hash. */
async function anotherOutput(market: Market): Promise<string> {
  await market.runtime.post(`/internal/v1/treasury/compute/reservations/${market.reservationId}/void`, {});
  const earlier = { ...market, ...(await order(market.runtime)) };
  const job = await work(earlier, market.first, BROKEN);
  await verify(earlier, job);
  await settle(earlier, job);
  const answer = await market.runtime.get(`/internal/v1/jobs/${job.job_id}`);
  await order(market.runtime);
  return answer.json.job.result.legs[0].commands[0].stdout_sha256;
}

async function strikesOf(market: Market, party: Party): Promise<number> {
  const answer = await market.runtime.get(`/internal/v1/workers/${party.workerId}`, { token: party.token });
  return answer.json.worker.strikes;
}

async function incidents(market: Market): Promise<readonly object[]> {
  return (await market.runtime.get("/internal/v1/fraud/incidents")).json.incidents;
}

/** Wait for the runtime's own adjudicator. */
async function decided(market: Market, incidentId: string): Promise<{ kind: string; outcome: string }> {
  for (;;) {
    const { incident } = (await market.runtime.get(`/internal/v1/fraud/incidents/${incidentId}`)).json;
    if (incident.status === "decided") return incident;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
