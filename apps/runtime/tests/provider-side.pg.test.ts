// What a provider decides and sees: its caps, whom it works for, and what became
// of its jobs. Over HTTP only.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { grant } from "./ledger-checks.ts";
import {
  FIXED,
  PRICE,
  PROVIDER,
  TOTAL,
  claim,
  claimAnswer,
  joinMarket,
  order,
  settle,
  startMarket,
  verify,
  work,
  workAndVerify,
  type Market,
  type Party,
} from "./market.ts";

test("a blocked buyer is quoted by others only, until the block is removed", async (t) => {
  const market = await startMarket(t);
  const { runtime, first } = market;
  const third = await joinMarket(runtime, { sub: "dev_third", org: "org_third" }, PRICE * 2);
  const body = { buyer_org: "org_a", reason: "disputes everything" };
  const blocked = await runtime.post("/internal/v1/blocks", body, { token: first.token, key: "once" });
  assert.equal(blocked.status, 201, blocked.text);
  const again = await runtime.post("/internal/v1/blocks", body, { token: first.token, key: "once" });
  assert.equal(again.text, blocked.text);
  const twice = await runtime.post("/internal/v1/blocks", body, { token: first.token });
  assert.equal(twice.json.reason, "already_blocked");

  const quoted = await quote(market);
  assert.equal(quoted.json.quote.provider_worker_id, third.workerId);
  const loser = quoted.json.losers.find(
    (each: { provider_worker_id: string }) => each.provider_worker_id === first.workerId,
  );
  assert.equal(loser.because, "blocked");

  const listed = await runtime.get("/internal/v1/blocks", { token: first.token });
  assert.deepEqual(listed.json.blocks, [blocked.json.block]);
  assert.deepEqual((await runtime.get("/internal/v1/blocks", { token: third.token })).json.blocks, []);
  const remove = "/internal/v1/blocks/org_a/remove";
  assert.equal((await runtime.post(remove, {}, { token: third.token })).status, 404);
  assert.equal((await runtime.post(remove, {}, { token: first.token })).status, 200);
  assert.equal((await quote(market)).json.quote.provider_worker_id, first.workerId);
});

test("eight blocks of one buyer at once: one is made", async (t) => {
  const { runtime, first } = await startMarket(t, { dispatch: false });
  const body = { buyer_org: "org_x", reason: "no" };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => runtime.post("/internal/v1/blocks", body, { token: first.token })),
  );
  const listed = await runtime.get("/internal/v1/blocks", { token: first.token });
  assert.equal(listed.json.blocks.length, 1);
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  assert.equal(answers.filter((answer) => answer.json.reason === "already_blocked").length, 7);
});

test("an offer says whom it is for, with the buyer's settled and disputed jobs", async (t) => {
  const market = await startMarket(t);
  const offered = await claim(market, market.first);
  assert.deepEqual(offered.buyer, { org: "org_a", settled_jobs: 0, disputed_jobs: 0 });
});

test("a provider sees each of its jobs, and why it was not paid", async (t) => {
  const market = await startMarket(t);
  const { job } = await workAndVerify(market, FIXED);
  await settle(market, job);
  const [paid] = await jobsOf(market, market.first);
  assert.deepEqual(
    [paid.job_id, paid.status, paid.verdict, paid.paid_msats, paid.unpaid_because],
    [job.job_id, "settled", "proven", PRICE, undefined],
  );
  const [second] = await jobsOf(market, market.second);
  assert.equal(second.paid_msats > 0, true);

  await grant(market.runtime, TOTAL);
  await order(market.runtime);
  const broken = await work(market, market.first, { baseExit: 1, patchedExit: 1 });
  await verify(market, broken);
  await settle(market, broken);
  const [withheld] = await jobsOf(market, market.first);
  assert.equal(withheld.withheld_reason, "verdict_failed");
  assert.match(withheld.unpaid_because, /does not pass on the patch/);

  await grant(market.runtime, TOTAL);
  await order(market.runtime);
  const third = await joinMarket(market.runtime, { sub: "dev_third", org: "org_third" }, PRICE);
  const held = await claim(market, market.first);
  await market.runtime.post(
    `/internal/v1/jobs/${held.job.job_id}/result`,
    { lease_id: held.lease.lease_id, failure: { code: "provider_stopped", detail: "" } },
    { token: market.first.token },
  );
  const [moved] = await jobsOf(market, market.first);
  assert.deepEqual([moved.job_id, moved.status, moved.paid_msats], [held.job.job_id, "reassigned", 0]);
  assert.match(moved.unpaid_because, /another provider/);
  assert.equal((await jobsOf(market, third))[0].status, "queued");
  assert.equal((await jobsOf(market, market.first)).length, 3);

  // By pages, and by nobody else.
  const path = `/internal/v1/workers/${market.first.workerId}/jobs`;
  const page = await market.runtime.get(`${path}?limit=2`, { token: market.first.token });
  const rest = await market.runtime.get(`${path}?limit=2&cursor=${page.json.next_cursor}`, {
    token: market.first.token,
  });
  assert.deepEqual([page.json.jobs.length, rest.json.jobs.length, rest.json.next_cursor], [2, 1, undefined]);
  assert.equal((await market.runtime.get(path, { token: third.token })).status, 404);
});

test("processor time is capped at selection, and again at the claim when the cap was lowered since", async (t) => {
  const market = await startMarket(t);
  await setCaps(market, market.first, { cpu_ms_max: 59_999 });
  assert.equal((await claimAnswer(market, market.first)).json.reason, "caps_too_small");
  const third = await joinMarket(market.runtime, { sub: "dev_third", org: "org_third" }, PRICE * 2);
  const quoted = await quote(market);
  assert.equal(quoted.json.quote.provider_worker_id, third.workerId);
  await setCaps(market, market.first, { cpu_ms_max: 60_000 });
  assert.equal((await claimAnswer(market, market.first)).status, 200);
});

test("a worker claims no more within an hour than its caps allow", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  await setCaps(market, market.first, { concurrent_jobs_max: 4, msats_per_hour_max: PRICE * 2 - 1 });
  await grant(market.runtime, TOTAL);
  await order(market.runtime);
  await claim(market, market.first);
  assert.equal((await claimAnswer(market, market.first)).json.reason, "msats_per_hour_max");
  clock.advance(3_600_001);
  const token = await market.runtime.token(market.first.owner);
  assert.ok((await claim(market, { ...market.first, token })).job.job_id);
});

async function setCaps({ runtime }: Market, party: Party, caps: object): Promise<void> {
  const body = { ...PROVIDER, worker_id: party.workerId, caps: { ...PROVIDER.caps, ...caps } };
  const answer = await runtime.post("/internal/v1/workers", body, { token: party.token });
  assert.equal(answer.status, 201, answer.text);
}

function quote({ runtime, runId, spec }: Market) {
  return runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", { run_id: runId, spec });
}

async function jobsOf({ runtime }: Market, party: Party) {
  const answer = await runtime.get(`/internal/v1/workers/${party.workerId}/jobs`, { token: party.token });
  assert.equal(answer.status, 200, answer.text);
  return answer.json.jobs;
}
