// What providers are paid for, and how much: by outcome or by execution, as
// charged and never more than quoted, whatever happens after the quote.

import assert from "node:assert/strict";
import { test } from "node:test";
import { publicKeyOf, quoteHash, verifySignature, type JsonObject } from "@openagents/receipts";
import { RECEIPT_KEY } from "./harness.ts";
import {
  FEE,
  FIXED,
  PRICE,
  PROVIDER,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  assertBuyerHas,
  claim,
  decideBy,
  earnedBy,
  joinMarket,
  order,
  register,
  report,
  settle,
  startMarket,
  verify,
  work,
  workAndVerify,
} from "./market.ts";

const FAILING = { baseExit: 1, patchedExit: 1 };
const SELLS_EXECUTION = { execution_price_msats: PRICE - 2_000 };
const ON_EXECUTION = { quote: { pay_on: "execution" }, first: SELLS_EXECUTION };

test("paid by execution, an honest failing check is confirmed, paid, and strikes nobody", async (t) => {
  const market = await startMarket(t, ON_EXECUTION);
  const { job, verified } = await workAndVerify(market, FAILING);
  assert.equal(verified.json.verification.verdict, "failed");
  assert.equal(verified.json.verification.assurance, "self");
  const settled = await settle(market, job);
  assert.equal(settled.json.settlement.status, "released", settled.text);
  assert.equal(settled.json.settlement.pay_on, "execution");
  assert.equal(await earnedBy(market, market.first), PRICE - 2_000);
  const provider = await market.runtime.get(`/internal/v1/workers/${market.first.workerId}`, {
    token: market.first.token,
  });
  assert.equal(provider.json.worker.strikes, 0);
});

test("paid by execution, what changes the check is paid at once, without a person's word", async (t) => {
  const patch = `diff --git a/package.json b/package.json
index 1111111..2222222 100644
--- a/package.json
+++ b/package.json
@@ -1 +1 @@
-{}
+{"scripts":{"test":"true"}}
`;
  const market = await startMarket(t, { ...ON_EXECUTION, patch, spec: { guard_paths: ["package.json"] } });
  const { job, verified } = await workAndVerify(market, { ...FIXED, guardExit: 0 });
  assert.equal(verified.json.verification.verdict, "needs_review", verified.text);
  assert.equal((await settle(market, job)).json.settlement.status, "released");
  // A word on the patch, which moves nothing any more.
  const review = () =>
    market.runtime.post(`/internal/v1/verifications/${job.job_id}/review`, {
      decision: "rejected",
      note: "",
    });
  const answers = await Promise.all(Array.from({ length: 6 }, review));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal((await review()).json.reason, "already_reviewed");
  assert.equal(await earnedBy(market, market.first), PRICE - 2_000);
});

test("paid by execution, nothing is released for runs that contradict each other", async (t) => {
  const market = await startMarket(t, ON_EXECUTION);
  const { job, verified } = await workAndVerify(market, FAILING, FIXED);
  const third = { ...FAILING, rounds: [1, 0, 1] };
  assert.equal(await decideBy(market, verified.json.verification.incident_id, third), "flaky");
  const settled = await settle(market, job);
  assert.equal(settled.json.settlement.withheld_reason, "disagreement");
  assert.equal(await earnedBy(market, market.first), 0);
});

test("paid by execution, a limit that ended the check is no answer, and pays nobody", async (t) => {
  const market = await startMarket(t, ON_EXECUTION);
  const job = await work(market, market.first, { ...FAILING, limit: "wall" });
  assert.equal((await verify(market, job)).json.verification.verdict, "inconclusive");
  assert.equal((await settle(market, job)).json.settlement.withheld_reason, "verdict_inconclusive");
  await assertBuyerHas(market, TOTAL);
});

test("who does not sell what is asked for is not selected, and the answer says so", async (t) => {
  const market = await startMarket(t);
  const answer = await market.runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", {
    run_id: market.runId,
    spec: market.spec,
    pay_on: "execution",
  });
  assert.equal(answer.status, 409);
  assert.equal(answer.json.reason, "no_eligible_provider");
  assert.match(answer.json.detail, new RegExp(`${market.first.workerId}: pay_on_not_sold`));
});

test("who charges less than it was quoted is paid that, and the rest is the buyer's again", async (t) => {
  const market = await startMarket(t);
  const { job } = await workAndVerify(market, { ...FIXED, charged: 7_000 }, { ...FIXED, charged: 0 });
  const settled = await settle(market, job);
  assert.equal(settled.json.settlement.provider_msats, 7_000);
  assert.equal(settled.json.settlement.second_opinion_msats, 0);
  assert.equal(settled.json.settlement.operator_fee_msats, FEE + SECOND_FEE);
  assert.equal(await earnedBy(market, market.first), 7_000);
  await assertBuyerHas(market, TOTAL - 7_000 - FEE - SECOND_FEE);
});

test("who charges more than it was quoted is refused with a receipt, counted once a key, and can hand in at its price", async (t) => {
  const market = await startMarket(t);
  const claimed = await claim(market, market.first);
  const refused = await report(market, market.first, claimed, { ...FIXED, charged: PRICE + 1 });
  assert.equal(refused.status, 403);
  assert.equal(refused.json.reason, "charged_more_than_quoted");
  assert.match(refused.json.receipt_id, /^pint_/);
  assert.equal((await report(market, market.first, claimed, { ...FIXED, charged: PRICE })).status, 200);
  const catalog = await market.runtime.get("/internal/v1/marketplace/catalog/providers");
  const record = catalog.json.records.find(
    (each: { provider_worker_id: string }) => each.provider_worker_id === market.first.workerId,
  );
  assert.equal(record.price_violations, 1);
});

test("a quote is signed by the operator over its terms, and its receipt alone proves it", async (t) => {
  const market = await startMarket(t);
  const { quote } = market as unknown as { quote: JsonObject };
  const signature = quote["signature"] as { signer_pubkey: string; signature_hex: string };
  assert.equal(signature.signer_pubkey, publicKeyOf(RECEIPT_KEY));
  assert.ok(verifySignature(signature.signature_hex, quote["quote_sha256"], signature.signer_pubkey));
  const listed = await market.runtime.get(
    `/internal/v1/receipts?schema=openagents.marketplace.quote.v1&subject=${market.runId}`,
  );
  const [{ receipt }] = listed.json.receipts;
  assert.equal(quoteHash(receipt), quote["quote_sha256"]);
  assert.equal(receipt.quote_signature.signature_hex, signature.signature_hex);
  assert.notEqual(quoteHash({ ...receipt, provider_price_msats: 1 }), quote["quote_sha256"]);
});

test("a quote holds when its provider asks for more or falls silent, until it expires", async (t) => {
  let nowMs = Date.now();
  const market = await startMarket(t, { dispatch: false, nowMs: () => nowMs });
  await register(market.runtime, market.first.token, PRICE * 10, market.first.workerId);
  nowMs += 59_000;
  const dispatched = await market.dispatch();
  assert.equal(dispatched.status, 201, dispatched.text);
  assert.equal(dispatched.json.job.price_msats, PRICE);
  const { job } = await workAndVerify(market, FIXED);
  assert.equal((await settle(market, job)).json.settlement.provider_msats, PRICE);
});

test("an expired quote orders nothing", async (t) => {
  let nowMs = Date.now();
  const market = await startMarket(t, { dispatch: false, nowMs: () => nowMs });
  nowMs += 60_000;
  assert.equal((await market.dispatch()).json.reason, "quote_expired");
});

test("of eight that accept one quote at once, one does", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const answers = await Promise.all(Array.from({ length: 8 }, () => market.dispatch()));
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  const others = answers.filter((answer) => answer.status !== 201);
  assert.ok(others.every((answer) => answer.json.reason === "already_dispatched"));
});

test("a band's price rises by its step with each open job, up to its maximum", async (t) => {
  const band = {
    capability: "oa.sandbox_run.v1",
    pay_on: "outcome",
    min_price_msats: 1_000,
    max_price_msats: 1_200,
    step_msats: 150,
  };
  const market = await startMarket(t, { first: { price_bands: [band] } });
  const prices = [market.quote as unknown as { provider_price_msats: number }];
  for (let turn = 0; turn < 2; turn += 1) {
    const { quote } = await order(market.runtime);
    prices.push(quote);
  }
  assert.deepEqual(
    prices.map((quote) => quote.provider_price_msats),
    [1_000, 1_150, 1_200],
  );
});

test("prices that cannot be are refused by the field that says them", async (t) => {
  const { runtime } = await startMarket(t, { dispatch: false });
  const band = {
    capability: "oa.sandbox_run.v1",
    pay_on: "outcome",
    min_price_msats: 2,
    max_price_msats: 2,
  };
  const cases: [object, string][] = [
    [{ price_msats: 0 }, "price_msats"],
    [{ price_bands: [{ ...band, capability: "oa.other.v1" }] }, "price_bands[0]"],
    [{ price_bands: [{ ...band, max_price_msats: 1 }] }, "price_bands[0]"],
    [{ price_bands: [band, band] }, "price_bands[1]"],
  ];
  for (const [changes, field] of cases) {
    const answer = await runtime.post("/internal/v1/workers", { ...PROVIDER, ...changes });
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.json.field_errors[0].field, field);
  }
});

test("the operator's reserve fills what the market cannot, at its price, with its adder, and flagged", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  await joinMarket(market.runtime, { sub: "svc_reserve", org: "org_reserve", zone: "0" }, SECOND_PRICE);
  await market.runtime.post(
    `/internal/v1/workers/${market.first.workerId}/stop`,
    {},
    { token: market.first.token },
  );
  await market.runtime.post(
    `/internal/v1/workers/${market.second.workerId}/stop`,
    {},
    { token: market.second.token },
  );
  await joinMarket(market.runtime, { sub: "svc_other", org: "org_reserve_b", zone: "0" }, SECOND_PRICE * 2);
  const { json } = await market.runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", {
    run_id: market.runId,
    spec: market.spec,
  });
  assert.equal(json.quote.supply_class, "reserve_pool");
  assert.equal(json.quote.policy_adder_msats, 500);
  assert.equal(
    json.quote.total_price_msats,
    SECOND_PRICE + SECOND_FEE + 500 + SECOND_PRICE * 2 + SECOND_FEE * 2,
  );
});
