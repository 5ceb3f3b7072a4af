import assert from "node:assert/strict";
import { test } from "node:test";
import { publicKeyOf, sealReceipt, signReceipt } from "@openagents/receipts";
import { examineReceipt, overall } from "./examine-receipt.ts";

const KEY = "11".repeat(32);
const receipt = sealReceipt({
  schema: "openagents.treasury.budget_set.v1",
  nonce: "ab".repeat(16),
  occurred_at: "2026-11-28T12:00:00.000Z",
  actor: "usr_1",
  tenant: "org_1",
  limit_msats: 5_000,
});
const document = { receipt, signature: signReceipt(receipt, KEY) };
const PINS = { operatorKeys: [publicKeyOf(KEY)], logKeys: [] };
const states = (claims: ReturnType<typeof examineReceipt>) => claims.map(({ state }) => state);

test("what is not in the log yet is not checked, and never said to hold", () => {
  const claims = examineReceipt(document, PINS);
  assert.deepEqual(states(claims), ["holds", "holds", "holds", "holds", "not_checked"]);
  assert.equal(overall(claims), "not_checked");
});

test("one changed member fails the whole", () => {
  const claims = examineReceipt({ ...document, receipt: { ...receipt, limit_msats: 5_001 } }, PINS);
  assert.equal(claims[0]?.state, "fails");
  assert.equal(overall(claims), "fails");
});

test("a key that nobody published vouches for nothing", () => {
  assert.equal(examineReceipt(document, { operatorKeys: [], logKeys: [] })[3]?.state, "not_checked");
});
