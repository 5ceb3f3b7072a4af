// Limits of an organisation: exact under a race, kept over a restart and between
// processes, and no trouble for anyone else.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { DEFAULT_LIMITS, parseLimits } from "../src/rate-limits/index.ts";
import { startHarness, type Harness } from "./harness.ts";
import { PROVIDER, startMarket } from "./market.ts";

const REGISTRATIONS = { ...DEFAULT_LIMITS, registrations: { burst: 3, perSecond: 0.1 } };

function register(runtime: Harness, options: { readonly token?: string; readonly key?: string } = {}) {
  return runtime.post("/internal/v1/workers", PROVIDER, options);
}

async function stopped(t: TestContext) {
  let nowMs = Date.now();
  const options = { nowMs: () => nowMs, rateLimits: REGISTRATIONS };
  const runtime = await startHarness(t, options);
  return { runtime, options, pass: (ms: number) => (nowMs += ms) };
}

test("of ten at once exactly as many pass as the limit allows, and the others are told what and how long", async (t) => {
  const { runtime, pass } = await stopped(t);
  const answers = await Promise.all(Array.from({ length: 10 }, () => register(runtime)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 3);
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(refused.length, 7);
  for (const { json, headers } of refused) {
    assert.equal(json.code, "rate_limited");
    assert.equal(json.reason, "registrations");
    assert.equal(headers.get("retry-after"), "10");
  }
  pass(9_999);
  assert.equal((await register(runtime)).status, 429);
  pass(1);
  assert.equal((await register(runtime)).status, 201, "what was said to wait is enough");
  assert.equal((await register(runtime)).status, 429);
});

test("another organisation has a limit of its own", async (t) => {
  const { runtime } = await stopped(t);
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await register(runtime)).status, 201);
  const token = await runtime.token({ org: "org_b" });
  assert.equal((await register(runtime, { token })).status, 201);
  assert.equal((await register(runtime)).status, 429);
});

test("a repeat of what was answered takes nothing and is answered still, and so is a request that failed", async (t) => {
  const { runtime } = await stopped(t);
  const first = await register(runtime, { key: "one" });
  assert.equal((await register(runtime, { key: "two" })).status, 201);
  const bad = { ...PROVIDER, price_msats: 0 };
  for (let turn = 0; turn < 5; turn += 1)
    assert.equal((await runtime.post("/internal/v1/workers", bad)).status, 400);
  assert.equal((await register(runtime, { key: "three" })).status, 201);
  assert.equal((await register(runtime, { key: "four" })).status, 429);
  const again = await register(runtime, { key: "one" });
  assert.equal(again.text, first.text);
  assert.equal((await register(runtime, { key: "four" })).status, 429, "the key is free, the limit is not");
});

test("a limit outlives a restart, and two processes share it", async (t) => {
  const { runtime, options } = await stopped(t);
  assert.equal((await register(runtime)).status, 201);
  const other = await startHarness(t, { ...options, databaseUrl: runtime.databaseUrl });
  const token = await other.token();
  assert.equal((await register(other, { token })).status, 201);
  await runtime.stop();
  const third = await startHarness(t, { ...options, databaseUrl: runtime.databaseUrl });
  assert.equal((await register(third)).status, 201);
  assert.equal((await register(third)).status, 429);
  assert.equal((await register(other, { token })).status, 429);
});

test("quotes and dispatches have limits of their own, and a refused quote counts", async (t) => {
  const nowMs = Date.now();
  const rateLimits = {
    ...DEFAULT_LIMITS,
    quotes: { burst: 2, perSecond: 0.1 },
    dispatches: { burst: 1, perSecond: 0.1 },
  };
  const market = await startMarket(t, { nowMs: () => nowMs, rateLimits });
  const ask = (request: object) =>
    market.runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", {
      run_id: market.runId,
      spec: market.spec,
      ...request,
    });
  assert.equal((await ask({ pay_on: "execution" })).status, 409);
  assert.equal((await ask({})).json.reason, "quotes");
  assert.equal((await market.dispatch()).json.reason, "dispatches");
});

test("who polls without waiting is limited, and who waits is not", async (t) => {
  const nowMs = Date.now();
  const rateLimits = { ...DEFAULT_LIMITS, polls: { burst: 2, perSecond: 0.1 } };
  const market = await startMarket(t, { nowMs: () => nowMs, rateLimits, dispatch: false });
  const { token, workerId } = market.first;
  const claim = (waitMs: number) =>
    market.runtime.post("/internal/v1/jobs/claim", { worker_id: workerId, wait_ms: waitMs }, { token });
  assert.equal((await claim(0)).status, 200);
  assert.equal((await claim(0)).status, 200);
  const refused = await claim(0);
  assert.equal(refused.status, 429);
  assert.equal(refused.json.reason, "polls");
  await market.dispatch();
  assert.ok((await claim(1_000)).json.job);
});

test("limits are read from one text, and a wrong one is named", () => {
  assert.deepEqual(parseLimits(""), DEFAULT_LIMITS);
  assert.deepEqual(parseLimits("quotes=5/0.5,polls=1/1"), {
    ...DEFAULT_LIMITS,
    quotes: { burst: 5, perSecond: 0.5 },
    polls: { burst: 1, perSecond: 1 },
  });
  for (const text of ["quotes", "quotes=0/1", "quotes=1/0", "others=1/1", "toString=1/1", "quotes=-1/1"])
    assert.throws(() => parseLimits(text), RangeError);
});
