// Answers that differ: a person of the buyer decides, once, and says why. Who is
// away does not keep others from what they are owed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { allScopes } from "@openagents/contracts";
import { sha256Hex } from "@openagents/receipts";
import { manualClock } from "@openagents/testing";
import { assertSound } from "./ledger-checks.ts";
import { assertBuyerHas, claimAnswer, earnedBy } from "./market.ts";
import {
  CREDIT,
  FEES,
  PRICES,
  adjudicate,
  decide,
  orderPanel,
  panelOf,
  rank,
  settleAll,
  startPanelMarket,
  strikesOf,
  type PanelMarket,
} from "./panel-market.ts";

const [PRICE_1 = 0] = PRICES;
const [FEE_1 = 0] = FEES;
const answerOf = (...ids: string[]) => sha256Hex(JSON.stringify({ ranked_ids: ids }));
const FIRST = answerOf("c0", "c1");
const PICK_FIRST = { choice: "pick", answer_sha256: FIRST, reason: "The sum is what I asked for." };
const REJECT = { choice: "reject", reason: "None of them is about numbers." };

/** Three owners who say three things, and a panel that says so. */
async function tie(market: PanelMarket, request: object = {}) {
  const order = await orderPanel(market.runtime, request);
  const jobs = [];
  const answers = [
    ["c0", "c1"],
    ["c1", "c0"],
    ["c2", "c0"],
  ];
  for (const [index, owner] of market.owners.entries())
    jobs.push(await rank(market, owner, ...(answers[index] ?? [])));
  const decided = await decide(market, order.panelId);
  assert.equal(decided.json.panel.status, "needs_review", decided.text);
  return { ...order, jobs };
}

test("without a quorum a person picks an answer; whoever gave it is paid, and nobody is struck", async (t) => {
  const market = await startPanelMarket(t);
  const { panelId, jobs } = await tie(market);
  for (const { job_id } of jobs) {
    const early = await market.runtime.post("/internal/v1/treasury/compute/settle/sandbox-run", { job_id });
    assert.equal(early.json.reason, "job_not_verified", "nothing is paid before the decision");
  }
  const picked = await adjudicate(market, panelId, PICK_FIRST);
  assert.equal(picked.status, 200, picked.text);
  const { panel } = picked.json;
  assert.deepEqual(
    [panel.status, panel.decided_by, panel.because, panel.answer_sha256],
    ["decided", "usr_owner", PICK_FIRST.reason, FIRST],
  );
  assert.deepEqual(await settleAll(market, jobs), [PRICE_1, "verdict_outvoted", "verdict_outvoted"]);
  for (const owner of market.owners) assert.equal(await strikesOf(market, owner), 0);
  const { verification } = (await market.runtime.get(`/internal/v1/verifications/${jobs[0]?.job_id}`)).json;
  assert.deepEqual([verification.assurance, verification.proof], ["self", "by_person"]);
  await assertBuyerHas(market, CREDIT - PRICE_1 - FEE_1);
  await assertSound(market.runtime);

  const receipt = (await market.runtime.get(`/internal/v1/receipts/${picked.json.receipt_id}`)).text;
  assert.match(receipt, /usr_owner/);
  assert.match(receipt, /The sum is what I asked for/);
});

test("a person rejects every answer: nobody is paid or struck; who sold the execution is", async (t) => {
  const market = await startPanelMarket(t);
  const outcome = await tie(market);
  const rejected = await adjudicate(market, outcome.panelId, REJECT);
  assert.equal(rejected.json.panel.status, "rejected", rejected.text);
  assert.deepEqual(await settleAll(market, outcome.jobs), Array(3).fill("verdict_outvoted"));
  await assertBuyerHas(market, CREDIT);
  const execution = await tie(market, { pay_on: "execution" });
  await adjudicate(market, execution.panelId, REJECT);
  assert.deepEqual(await settleAll(market, execution.jobs), PRICES);
  for (const owner of market.owners) assert.equal(await strikesOf(market, owner), 0);
  await assertSound(market.runtime);
});

test("two copies that differ are a tie, not the lower hash", async (t) => {
  const market = await startPanelMarket(t, { prices: [1_000, 1_000] });
  const [one, two] = market.owners;
  assert.ok(one && two);
  const { panelId } = await orderPanel(market.runtime, { redundancy: 2 });
  await rank(market, one, "c0", "c1");
  await rank(market, two, "c1", "c0");
  const { panel } = (await decide(market, panelId)).json;
  assert.deepEqual([panel.status, panel.answer_sha256], ["needs_review", undefined]);
  assert.equal((await decide(market, panelId)).json.panel.status, "needs_review", "it waits for a person");
});

test("of eight people at once one decides, and the others are told that it is decided", async (t) => {
  const market = await startPanelMarket(t);
  const { panelId, jobs } = await tie(market);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      adjudicate(market, panelId, index % 2 === 0 ? PICK_FIRST : REJECT, { sub: `usr_${index}` }),
    ),
  );
  const won = answers.filter((answer) => answer.status === 200);
  assert.equal(won.length, 1);
  assert.equal(answers.filter((answer) => answer.json.reason === "already_decided").length, 7);
  const panel = await panelOf(market, panelId);
  assert.equal(panel.decided_by, won[0]?.json.panel.decided_by);
  await settleAll(market, jobs);
  await assertSound(market.runtime);
});

test("a person's word is repeated as the same bytes, and another word under its key is refused", async (t) => {
  const market = await startPanelMarket(t);
  const { panelId } = await tie(market);
  const first = await adjudicate(market, panelId, PICK_FIRST, { key: "word" });
  assert.equal((await adjudicate(market, panelId, PICK_FIRST, { key: "word" })).text, first.text);
  assert.equal((await adjudicate(market, panelId, REJECT, { key: "word" })).status, 422);
});

test("what a person may not do is refused in its order", async (t) => {
  const market = await startPanelMarket(t);
  const open = await orderPanel(market.runtime);
  const asDevice = await adjudicate(market, open.panelId, PICK_FIRST, { sub: "dev_own" });
  assert.deepEqual([asDevice.status, asDevice.json.reason], [403, "not_a_person"]);
  assert.equal((await adjudicate(market, open.panelId, PICK_FIRST)).json.reason, "review_not_needed");
  for (const owner of market.owners) await rank(market, owner, "c0", "c1");
  await decide(market, open.panelId);
  assert.equal((await adjudicate(market, open.panelId, REJECT)).json.reason, "already_decided");
  const { panelId } = await tie(market);
  const other = { ...PICK_FIRST, answer_sha256: answerOf("c2", "c1") };
  assert.equal((await adjudicate(market, panelId, other)).json.reason, "answer_not_given");
  for (const body of [
    { ...REJECT, answer_sha256: FIRST },
    { choice: "pick", reason: "yes" },
  ])
    assert.equal((await adjudicate(market, panelId, body)).json.code, "choice_mismatch");
  assert.equal((await adjudicate(market, panelId, { ...REJECT, reason: "" })).status, 400);
  const path = `/internal/v1/panels/${panelId}/adjudicate`;
  const stranger = await market.runtime.token({ sub: "usr_stranger", org: "org_b" });
  assert.equal((await market.runtime.post(path, REJECT, { token: stranger })).status, 404);
  const scopes = allScopes().filter((scope) => scope !== "jobs:adjudicate");
  const unscoped = await market.runtime.token({ scopes });
  assert.equal((await market.runtime.post(path, REJECT, { token: unscoped })).json.code, "missing_scope");
});

test("where nobody decides in the time for it nothing is picked, and the money is the buyer's again", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startPanelMarket(t, { nowMs: clock.nowMs });
  const { panelId, jobs } = await tie(market);
  clock.advance(86_399_000);
  assert.equal((await decide(market, panelId)).json.panel.status, "needs_review");
  clock.advance(1_000);
  assert.equal((await decide(market, panelId)).json.panel.status, "expired");
  assert.equal((await adjudicate(market, panelId, PICK_FIRST)).json.reason, "already_decided");
  assert.deepEqual(await settleAll(market, jobs), Array(3).fill("verdict_outvoted"));
  await assertBuyerHas(market, CREDIT);
  await assertSound(market.runtime);
});

test("a panel that nobody answered comes to nothing, and its money goes back", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startPanelMarket(t, { nowMs: clock.nowMs });
  const { panelId } = await orderPanel(market.runtime, { decide_ms: 60_000 });
  clock.advance(60_000);
  assert.equal((await decide(market, panelId)).json.panel.status, "expired");
  for (const owner of market.owners) {
    const token = await market.runtime.token(owner.owner);
    assert.equal((await claimAnswer(market, { ...owner, token })).json.job, undefined);
  }
  await assertBuyerHas(market, CREDIT);
  await assertSound(market.runtime);
});

test("a panel of a buyer that is gone is decided and paid by the service", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startPanelMarket(t, { nowMs: clock.nowMs, stalledEveryMs: 20 });
  const { panelId, jobIds } = await orderPanel(market.runtime);
  const [one] = market.owners;
  assert.ok(one);
  for (const owner of market.owners) await rank(market, owner, "c0", "c1");
  clock.advance(121_000);
  await until(async () => (await panelOf(market, panelId)).status === "decided");
  clock.advance(121_000);
  for (const jobId of jobIds) {
    await until(async () => {
      const { job } = (await market.runtime.get(`/internal/v1/jobs/${jobId}`)).json;
      return job.status === "settled";
    });
  }
  assert.equal(await earnedBy(market, one), PRICE_1);
  await assertSound(market.runtime);
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
