// Looking at quotes and at what became of them, and choosing among offers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { verifySignature } from "@openagents/receipts";
import {
  FIXED,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  claimAnswer,
  decideBy,
  settle,
  startMarket,
  workAndVerify,
  type Market,
} from "./market.ts";

const SELECT = "/internal/v1/marketplace/router/compute/select";
const OFFERS = [
  {
    marketplace_id: "openagents",
    provider_id: "a",
    total_price_msats: 1_300,
    latency_ms: 50,
    reliability_bps: 9_900,
  },
  {
    marketplace_id: "elsewhere",
    provider_id: "b",
    total_price_msats: 1_000,
    latency_ms: 800,
    reliability_bps: 9_000,
  },
];

type Message = { readonly message_id: string; readonly canonical_sha256: string } & Readonly<
  Record<
    string,
    { readonly amount?: { readonly amount: number }; readonly outcome?: string; readonly reason?: string }
  >
>;

async function messagesOf({ runtime, quote }: Market): Promise<Message[]> {
  const answer = await runtime.get(`/internal/v1/marketplace/quotes/${quote.quote_id}/commerce`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.messages;
}

const KINDS = ["rfq", "offer", "quote", "accept", "cancel", "receipt", "refund", "dispute"];

function kindsOf(messages: readonly Message[]): string[] {
  return messages.map((message) => KINDS.find((kind) => message[kind] !== undefined) ?? "none");
}

test("a quote can be looked at as it was made, by its buyer only", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const path = `/internal/v1/marketplace/quotes/${market.quote.quote_id}`;
  const { json } = await market.runtime.get(path);
  assert.deepEqual(json.quote, market.quote, "the signature, too, is the same each time");
  const { signer_pubkey, signature_hex } = json.quote.signature;
  assert.ok(verifySignature(signature_hex, json.quote.quote_sha256, signer_pubkey));
  const token = await market.runtime.token({ org: "org_b" });
  assert.equal((await market.runtime.get(path, { token })).json.code, "quote_not_found");
  assert.equal((await market.runtime.get(`${path}/commerce`, { token })).json.code, "quote_not_found");
});

test("what became of a quote is told in commerce messages, the same whenever it is asked for", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  assert.deepEqual(kindsOf(await messagesOf(market)), ["rfq", "offer", "quote"]);
  await market.dispatch();
  const { job } = await workAndVerify(market, { ...FIXED, charged: 9_000 }, FIXED);
  await settle(market, job);
  const messages = await messagesOf(market);
  assert.deepEqual(kindsOf(messages), ["rfq", "offer", "quote", "accept", "receipt", "refund"]);
  const [receipt, refund] = messages.slice(-2);
  assert.equal(receipt?.["receipt"]?.outcome, "released");
  assert.equal(refund?.["refund"]?.amount?.amount, 1_000);
  assert.equal(refund?.["refund"]?.reason, "less_than_reserved");
  assert.deepEqual(await messagesOf(market), messages);
  assert.equal(new Set(messages.map((message) => message.message_id)).size, messages.length);
});

test("a dispute and its refund are told", async (t) => {
  const market = await startMarket(t);
  const broken = { baseExit: 1, patchedExit: 1 };
  const { job, verified } = await workAndVerify(market, FIXED, broken);
  await decideBy(market, verified.json.verification.incident_id, broken);
  await settle(market, job);
  const messages = await messagesOf(market);
  assert.deepEqual(kindsOf(messages).slice(3), ["accept", "dispute", "receipt", "refund"]);
  assert.equal(messages.at(-1)?.["refund"]?.amount?.amount, TOTAL - SECOND_PRICE - SECOND_FEE);
  assert.equal(messages.at(-1)?.["refund"]?.reason, "disagreement");
});

test("what is called off before anyone took it costs nothing, and says so", async (t) => {
  const market = await startMarket(t);
  const path = `/internal/v1/treasury/compute/reservations/${market.reservationId}/void`;
  assert.equal((await market.runtime.post(path, {})).status, 200);
  const messages = await messagesOf(market);
  assert.deepEqual(kindsOf(messages).slice(3), ["accept", "cancel", "refund"]);
  assert.equal(messages.at(-1)?.["refund"]?.amount?.amount, TOTAL);
  assert.equal((await claimAnswer(market, market.first)).json.job, undefined);
});

test("a route is chosen once: a repeat answers the record, and other offers under its key are refused", async (t) => {
  const { runtime, runId } = await startMarket(t, { dispatch: false });
  const body = { run_id: runId, capability: "oa.sandbox_run.v1", candidates: OFFERS };
  const first = await runtime.post(SELECT, { ...body, policy: "balanced_v1" }, { key: "route" });
  assert.equal(first.status, 200, first.text);
  assert.equal(first.json.decision.selected.provider_id, "a");
  assert.deepEqual(first.json.decision.losers, [
    { marketplace_id: "elsewhere", provider_id: "b", because: "worse_balance" },
  ]);
  const again = await runtime.post(SELECT, { ...body, policy: "balanced_v1" }, { key: "route" });
  assert.equal(again.text, first.text);
  const drifted = {
    ...body,
    policy: "balanced_v1",
    candidates: [{ ...OFFERS[0], total_price_msats: 9_999 }, OFFERS[1]],
  };
  assert.equal((await runtime.post(SELECT, drifted, { key: "route" })).json.code, "idempotency_key_reused");

  const other = await runtime.post(SELECT, { ...body, candidates: OFFERS.toReversed() });
  assert.equal(other.json.decision.selected.provider_id, "b", "the cheapest, unless a policy says otherwise");
  const receipts = await runtime.get(
    `/internal/v1/receipts?schema=openagents.marketplace.router_decision.v1&subject=${runId}`,
  );
  assert.equal(receipts.json.receipts.length, 2);
  const kept = receipts.json.receipts.map(
    ({ receipt }: { receipt: { decision_sha256: string } }) => receipt.decision_sha256,
  );
  assert.ok(kept.includes(first.json.decision.decision_sha256));
  assert.equal((await runtime.post(SELECT, { ...body, run_id: `run_${"0".repeat(32)}` })).status, 404);
  assert.equal((await runtime.post(SELECT, { ...body, candidates: [] })).status, 400);
});

test("of eight that choose at once under one key, one decision stands", async (t) => {
  const { runtime, runId } = await startMarket(t, { dispatch: false });
  const body = { run_id: runId, capability: "oa.sandbox_run.v1", candidates: OFFERS };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => runtime.post(SELECT, body, { key: "raced" })),
  );
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  const receipts = await runtime.get(
    `/internal/v1/receipts?schema=openagents.marketplace.router_decision.v1&subject=${runId}`,
  );
  assert.equal(receipts.json.receipts.length, 1);
});
