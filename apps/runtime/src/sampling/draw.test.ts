import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { commitmentOf, drawOf, nonceOf } from "./draw.ts";

const SEED = "5e".repeat(32);
const JOB = "e".repeat(64);

test("a draw is what the contract says it is, so that anyone with the revealed seed computes it again", () => {
  const nonce = createHash("sha256").update("key").digest("hex");
  assert.equal(nonceOf("key"), nonce);
  const mac = createHmac("sha256", Buffer.from(SEED, "hex")).update(`${nonce}:${JOB}`).digest("hex");
  assert.equal(drawOf(SEED, nonce, JOB), Number(BigInt(`0x${mac.slice(0, 12)}`) % 10_000n));
  assert.equal(commitmentOf(SEED), createHash("sha256").update(Buffer.from(SEED, "hex")).digest("hex"));
});

test("every part of it matters: another seed, nonce or job draws on its own", () => {
  const values = new Set<number>();
  for (let index = 0; index < 20; index += 1) {
    values.add(drawOf(nonceOf(`seed ${index}`), nonceOf("key"), JOB));
    values.add(drawOf(SEED, nonceOf(`key ${index}`), JOB));
    values.add(drawOf(SEED, nonceOf("key"), nonceOf(`job ${index}`)));
  }
  assert.ok(values.size > 50, String(values.size));
});
