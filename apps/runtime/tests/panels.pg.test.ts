// Work that takes judgement, done by several owners over HTTP and decided by a
// majority of them; who is paid for it, and who is not and yet not struck.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256Hex } from "@openagents/receipts";
import { manualClock } from "@openagents/testing";
import { assertSound } from "./ledger-checks.ts";
import { assertBuyerHas, claim, claimAnswer, earnedBy, settle, verify } from "./market.ts";
import {
  ANALYSIS,
  CREDIT,
  FEES,
  PRICES,
  RERANK,
  analysisOf,
  askPanel,
  decide,
  handIn,
  joinOwner,
  orderPanel,
  panelOf,
  rank,
  rerankOf,
  settleAll,
  startPanelMarket,
  strikesOf,
} from "./panel-market.ts";

const [PRICE_1 = 0, PRICE_2 = 0] = PRICES;
const [FEE_1 = 0, FEE_2 = 0, FEE_3 = 0] = FEES;

test("two of three owners agree: they are paid, the third is not and is not struck, and the rest is the buyer's again", async (t) => {
  const market = await startPanelMarket(t);
  const { runtime, owners } = market;
  const [one, two, three] = owners;
  assert.ok(one && two && three);
  const order = await orderPanel(runtime);
  assert.equal(order.total, 6_000 + FEE_1 + FEE_2 + FEE_3);
  assert.equal(new Set(order.reservationIds).size, 3);
  const jobs = [await rank(market, one, "c0", "c1"), await rank(market, two, "c0", "c1")];
  const waiting = await decide(market, order.panelId);
  assert.deepEqual([waiting.status, waiting.json.panel.status], [200, "open"], "a quorum alone is not all");
  for (const job of jobs) assert.equal((await settle(market, job)).json.reason, "job_not_verified");
  jobs.push(await rank(market, three, "c1", "c0"));

  const decided = await decide(market, order.panelId);
  assert.equal(decided.status, 200, decided.text);
  const panel = await panelOf(market, order.panelId);
  assert.deepEqual(
    [panel.status, panel.decided_by, panel.because],
    ["decided", "majority_vote", "2 of 3 answers are the same; 3 were asked, 2 must agree"],
  );
  assert.equal(panel.answer_sha256, sha256Hex('{"ranked_ids":["c0","c1"]}'));
  assert.deepEqual(panel.copies.map((copy: { verdict: string }) => copy.verdict).toSorted(), [
    "agreed",
    "agreed",
    "outvoted",
  ]);
  const { verification } = (await runtime.get(`/internal/v1/verifications/${jobs[0]?.job_id}`)).json;
  assert.deepEqual(
    [verification.verdict, verification.assurance, verification.proof, verification.violations],
    ["agreed", "independent", "by_majority", []],
  );
  assert.deepEqual(await settleAll(market, jobs), [PRICE_1, PRICE_2, "verdict_outvoted"]);
  await assertBuyerHas(market, CREDIT - PRICE_1 - PRICE_2 - FEE_1 - FEE_2);
  for (const owner of owners) assert.equal(await strikesOf(market, owner), 0);
  const incidents = await runtime.get("/internal/v1/fraud/incidents");
  assert.deepEqual(incidents.json.incidents, []);
  await assertSound(runtime);
  const told = await runtime.get(`/internal/v1/workers/${three.workerId}/jobs`, { token: three.token });
  assert.match(told.json.jobs[0].unpaid_because, /no fault of the worker/);
});

test("paid on execution, every answer is paid for, also one that was outvoted", async (t) => {
  const market = await startPanelMarket(t);
  const { runtime, owners } = market;
  const order = await orderPanel(runtime, { pay_on: "execution" });
  const jobs = [];
  for (const [index, owner] of owners.entries())
    jobs.push(await rank(market, owner, ...(index === 0 ? ["c2", "c1"] : ["c0", "c1"])));
  await decide(market, order.panelId);
  assert.deepEqual(await settleAll(market, jobs), PRICES);
  await assertBuyerHas(market, CREDIT - order.total);
  await assertSound(runtime);
});

test("who cannot answer is not paid, and the others decide without it", async (t) => {
  const market = await startPanelMarket(t);
  const [one, two, three] = market.owners;
  assert.ok(one && two && three);
  const order = await orderPanel(market.runtime);
  const claimed = await claim(market, one);
  const failure = { code: "work_unknown", detail: "It is no query that I understand." };
  assert.equal((await handIn(market, one, claimed, { failure })).status, 200);
  const jobs = [claimed.job, await rank(market, two, "c0", "c1"), await rank(market, three, "c0", "c1")];
  assert.equal((await decide(market, order.panelId)).json.panel.status, "decided");
  assert.deepEqual(await settleAll(market, jobs), ["verdict_inconclusive", 2_000, 3_000]);
  assert.equal(await strikesOf(market, one), 0);
  await assertSound(market.runtime);
});

test("an analysis is held against its chunks and labels; remarks are no part of the answer", async (t) => {
  const market = await startPanelMarket(t);
  const [one, two] = market.owners;
  assert.ok(one && two);
  const order = await orderPanel(market.runtime, {
    code_chunk_analysis: await analysisOf(market.runtime),
    redundancy: 2,
  });
  const findings = [
    { chunk_id: "one", label: "unsafe" },
    { chunk_id: "two", label: "safe" },
  ];
  const claimed = await claim(market, one);
  const said = (value: object) => ({ code_chunk_analysis_result: value });
  const refusals: readonly (readonly [object, string])[] = [
    [{ retrieval_rerank_result: { ranked_ids: ["c0"] } }, "result_of_other_work"],
    [said({ findings: findings.slice(1) }), "answer_not_allowed"],
    [said({ findings: findings.toReversed() }), "answer_not_allowed"],
    [said({ findings: findings.map((each) => ({ ...each, label: "lovely" })) }), "answer_not_allowed"],
  ];
  for (const [outcome, reason] of refusals) {
    const refused = await handIn(market, one, claimed, outcome);
    assert.deepEqual([refused.status, refused.json.reason], [409, reason], refused.text);
  }
  const taken = await handIn(market, one, claimed, said({ findings, remarks: "eval is evil" }));
  assert.equal(taken.status, 200, taken.text);
  await handIn(market, two, await claim(market, two), said({ findings, remarks: "mind the eval" }));
  const { panel } = (await decide(market, order.panelId)).json;
  assert.deepEqual([panel.status, panel.capability], ["decided", ANALYSIS]);
  assert.equal(await strikesOf(market, one), 0);
});

test("a ranking of twins, strangers or too few is refused, and the lease takes the right one", async (t) => {
  const market = await startPanelMarket(t);
  const [one] = market.owners;
  assert.ok(one);
  await orderPanel(market.runtime);
  const claimed = await claim(market, one);
  for (const ranked_ids of [["c0"], ["c0", "c0"], ["c0", "c9"], ["c0", "c1", "c2"]]) {
    const refused = await handIn(market, one, claimed, { retrieval_rerank_result: { ranked_ids } });
    assert.equal(refused.json.reason, "answer_not_allowed", refused.text);
  }
  const right = { retrieval_rerank_result: { ranked_ids: ["c0", "c2"] } };
  assert.equal((await handIn(market, one, claimed, right)).status, 200);
});

test("no owner is asked twice, under whatever name, nor the buyer itself unless it says so", async (t) => {
  const market = await startPanelMarket(t);
  const { runtime, owners } = market;
  await joinOwner(runtime, "p1", 1);
  await joinOwner(runtime, "a", 1, {});
  const twin = await runtime.token({ sub: "dev_p2", org: "org_other", account: "org_else", zone: "1" });
  const registered = await runtime.post(
    "/internal/v1/workers",
    {
      display_name: "a second name",
      roles: ["provider"],
      capabilities: [RERANK],
      price_msats: 1,
      caps: { memory_mib_max: 64, disk_mib_max: 64, wall_ms_max: 120_000, concurrent_jobs_max: 1 },
      toolchains: [],
    },
    { token: twin },
  );
  assert.equal(registered.status, 201, registered.text);
  const asked = await askPanel(runtime);
  assert.equal(asked.status, 200, asked.text);
  const because = asked.json.losers.map((loser: { because: string }) => loser.because).toSorted();
  assert.deepEqual(because, ["buyers_own", "owner_asked_already", "owner_asked_already"]);
  const tooMany = await askPanel(runtime, { redundancy: 4 });
  assert.deepEqual([tooMany.status, tooMany.json.reason], [409, "too_few_owners"], tooMany.text);
  assert.match(tooMany.json.detail, /3 owners can be asked, and 4 are wanted/);
  const withOwn = await askPanel(runtime, { redundancy: 4, own_devices: true });
  assert.equal(withOwn.status, 200, withOwn.text);
  const orgs = withOwn.json.quotes.map((quote: { provider_org: string }) => quote.provider_org);
  assert.equal(new Set(orgs).size, 4);
  assert.ok(orgs.includes("org_a"));
  assert.equal(owners.length, 3);
});

test("what is refused at the quote, in its order", async (t) => {
  const { runtime } = await startPanelMarket(t);
  const text = await rerankOf(runtime);
  const asked: readonly (readonly [object, number, string])[] = [
    [{ adjudication: "judge_model", redundancy: 5 }, 409, "judge_not_configured"],
    [{ adjudication: "merge" }, 409, "merge_unsupported"],
    [{ redundancy: 5 }, 409, "too_few_owners"],
    [{ market: false }, 409, "too_few_owners"],
    [{ quorum: 1, adjudication: "merge" }, 400, "quorum_impossible"],
    [{ adjudication: "none" }, 400, "adjudication_impossible"],
    [{ retrieval_rerank: { ...text, top_k: 4 } }, 400, "question_invalid"],
    [{ redundancy: 6 }, 400, ""],
    [{ run_id: `run_${"0".repeat(32)}` }, 404, "run_not_found"],
  ];
  for (const [request, status, name] of asked) {
    const answer = await askPanel(runtime, request);
    assert.equal(answer.status, status, answer.text);
    if (name !== "") assert.equal(answer.json.reason ?? answer.json.code, name, answer.text);
  }
  const judged = await askPanel(runtime, {
    code_chunk_analysis: await analysisOf(runtime),
    adjudication: undefined,
  });
  assert.equal(judged.json.reason, "judge_not_configured", "the type's own default");
  assert.match(judged.json.detail, /Ask for `majority_vote`/);
});

test("a quote of a panel and its decision are repeated as the same bytes", async (t) => {
  const market = await startPanelMarket(t);
  const run = await market.runtime.post("/internal/v1/runs", {});
  const request = { run_id: run.json.run.run_id };
  const [first, again] = [
    await askPanel(market.runtime, request, "quote"),
    await askPanel(market.runtime, request, "quote"),
  ];
  assert.equal(first.text, again.text);
  const order = await orderPanel(market.runtime);
  const waiting = await decide(market, order.panelId, "decide");
  assert.equal(waiting.json.panel.status, "open");
  for (const owner of market.owners) await rank(market, owner, "c0", "c1");
  const decided = await decide(market, order.panelId, "decide");
  assert.equal(decided.json.panel.status, "decided", "a key that decided nothing is free");
  assert.equal((await decide(market, order.panelId, "decide")).text, decided.text);
  assert.equal((await decide(market, order.panelId)).json.reason, "already_decided");
});

test("eight deciders at once make one decision", async (t) => {
  const market = await startPanelMarket(t);
  const order = await orderPanel(market.runtime);
  for (const owner of market.owners) await rank(market, owner, "c0", "c1");
  const answers = await Promise.all(Array.from({ length: 8 }, () => decide(market, order.panelId)));
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
  assert.equal(answers.filter((answer) => answer.json.reason === "already_decided").length, 7);
  await assertSound(market.runtime);
});

test("once the time is over, what is in decides, what nobody took is called off, and what is held is waited for", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startPanelMarket(t, { nowMs: clock.nowMs });
  const [one, two, three] = market.owners;
  assert.ok(one && two && three);
  const order = await orderPanel(market.runtime, { decide_ms: 60_000 });
  const jobs = [await rank(market, one, "c0", "c1")];
  const held = await claim(market, two);
  clock.advance(20_000);
  await market.runtime.post(
    `/internal/v1/jobs/${held.job.job_id}/lease`,
    { lease_id: held.lease.lease_id },
    { token: two.token },
  );
  clock.advance(20_000);
  await market.runtime.post(
    `/internal/v1/jobs/${held.job.job_id}/lease`,
    { lease_id: held.lease.lease_id },
    { token: two.token },
  );
  clock.advance(21_000);
  assert.equal((await decide(market, order.panelId)).json.panel.status, "open", "its lease holds");
  const answer = { retrieval_rerank_result: { ranked_ids: ["c0", "c1"] } };
  assert.equal((await handIn(market, two, held, answer)).status, 200);
  jobs.push(held.job);
  const { panel } = (await decide(market, order.panelId)).json;
  assert.equal(panel.status, "decided");
  assert.equal((await claimAnswer(market, three)).json.job, undefined, "the third copy is called off");
  assert.deepEqual(await settleAll(market, jobs), [PRICE_1, PRICE_2]);
  await assertBuyerHas(market, CREDIT - PRICE_1 - PRICE_2 - FEE_1 - FEE_2);
  await assertSound(market.runtime);
});

test("a buyer that takes copies back once it has an answer pays for that answer", async (t) => {
  const market = await startPanelMarket(t);
  const { runtime, owners } = market;
  const [one] = owners;
  assert.ok(one);
  const order = await orderPanel(runtime);
  const job = await rank(market, one, "c0", "c1");
  for (const [index, jobId] of order.jobIds.entries()) {
    if (jobId === job.job_id) continue;
    const path = `/internal/v1/treasury/compute/reservations/${order.reservationIds[index]}/void`;
    assert.equal((await runtime.post(path, {})).status, 200);
  }
  const { panel } = (await decide(market, order.panelId)).json;
  assert.deepEqual(
    [panel.status, panel.because],
    ["decided", "1 of 1 answers are the same; 1 were asked, 1 must agree"],
  );
  assert.deepEqual(await settleAll(market, [job]), [PRICE_1]);
  await assertSound(runtime);
});

test("a copy whose lease lapsed goes to an owner that is not asked yet, and to nobody else", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startPanelMarket(t, { nowMs: clock.nowMs, prices: [1_000, 1_000] });
  const { runtime } = market;
  const [one, two] = market.owners;
  assert.ok(one && two);
  await runtime.post("/internal/v1/jobs/sweep", {});
  const order = await orderPanel(runtime, { redundancy: 2 });
  await claim(market, one);
  await joinOwner(runtime, "a", 1);
  const sweepAfter = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10_000) {
      clock.advance(10_000);
      await runtime.post("/internal/v1/jobs/sweep", {});
    }
  };
  await sweepAfter(40_000);
  const becauseNobody = await panelOf(market, order.panelId);
  assert.ok(
    becauseNobody.copies.every((copy: { provider_worker_id: string }) =>
      [one.workerId, two.workerId].includes(copy.provider_worker_id),
    ),
    "neither the other owner nor the buyer's own device takes it over",
  );
  await joinOwner(runtime, "p9", 500);
  await claim(market, one);
  await sweepAfter(40_000);
  const { copies } = await panelOf(market, order.panelId);
  const workers = copies.map((copy: { provider_worker_id: string }) => copy.provider_worker_id);
  assert.ok(!workers.includes(one.workerId), "the copy moved");
  assert.ok(workers.includes(two.workerId));
  assert.equal(new Set(workers).size, 2);
});

test("a copy is neither verified nor disputed by itself, and nobody of another organisation sees its panel", async (t) => {
  const market = await startPanelMarket(t);
  const { runtime, owners } = market;
  const order = await orderPanel(runtime);
  const jobs = [];
  for (const owner of owners) jobs.push(await rank(market, owner, "c0", "c1"));
  const [job] = jobs;
  assert.ok(job);
  assert.equal((await verify(market, job)).json.reason, "job_of_panel");
  await decide(market, order.panelId);
  const disputed = await runtime.post("/internal/v1/fraud/disputes", {
    job_id: job.job_id,
    claim: "I think not.",
  });
  assert.equal(disputed.json.reason, "job_of_panel", disputed.text);
  const stranger = await runtime.token({ sub: "usr_stranger", org: "org_b" });
  for (const answer of [
    await runtime.get(`/internal/v1/panels/${order.panelId}`, { token: stranger }),
    await runtime.post(`/internal/v1/panels/${order.panelId}/decide`, {}, { token: stranger }),
  ])
    assert.equal(answer.json.code, "panel_not_found");
});

test("a panel goes on after the runtime was started again", async (t) => {
  const first = await startPanelMarket(t);
  const order = await orderPanel(first.runtime);
  const [one] = first.owners;
  assert.ok(one);
  await rank(first, one, "c0", "c1");
  await first.runtime.stop();
  const { databaseUrl, artifactsDir } = first.runtime;
  const market = await startPanelMarket(t, { databaseUrl, artifactsDir, prices: [] });
  assert.equal(
    (await panelOf(market, order.panelId)).copies.filter(
      (copy: { answer_sha256?: string }) => copy.answer_sha256,
    ).length,
    1,
  );
  for (const { owner, workerId } of first.owners.slice(1)) {
    const token = await market.runtime.token(owner);
    await rank(market, { owner, workerId, token }, "c0", "c1");
  }
  assert.equal((await decide(market, order.panelId)).json.panel.status, "decided");
  await assertSound(market.runtime);
});

test("one copy is no panel of several: its answer counts, and is called reported", async (t) => {
  const market = await startPanelMarket(t);
  const [one] = market.owners;
  assert.ok(one);
  const order = await orderPanel(market.runtime, { redundancy: 1, adjudication: "none" });
  const job = await rank(market, one, "c0", "c1");
  assert.equal((await decide(market, order.panelId)).json.panel.decided_by, "none");
  const { verification } = (await market.runtime.get(`/internal/v1/verifications/${job.job_id}`)).json;
  assert.deepEqual([verification.verdict, verification.assurance], ["agreed", "provider"]);
  assert.deepEqual(await settleAll(market, [job]), [PRICE_1]);
  assert.equal(await earnedBy(market, one), PRICE_1);
});
