// A freeze over HTTP: nothing commits after its answer, in no process, and what
// already began may end.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { assertSound, grant } from "./ledger-checks.ts";
import { startHarness, type Answer, type Harness } from "./harness.ts";
import { FIXED, claim, claimAnswer, report, startMarket, verify } from "./market.ts";

const MODE = "/internal/v1/authority/mode";
const RESERVE = "/internal/v1/treasury/compute/reserve";

test("frozen, new commands are refused and change nothing; reads, replays and what already began go on", async (t) => {
  const market = await startMarket(t);
  const { runtime } = market;
  const held = await claim(market, market.first);
  const before = await runtime.post("/internal/v1/treasury/demo-grants", { amount_msats: 500 }, { key: "g" });
  const frozen = await setMode(runtime, "read_only", "a look at the books");
  assert.equal(frozen.status, 200, frozen.text);
  assert.match(frozen.json.receipt_id, /^mode_/);

  const refusedKey = crypto.randomUUID();
  const commands: Answer[] = [
    await runtime.post(RESERVE, { amount_msats: 100 }, { key: refusedKey }),
    await runtime.post("/internal/v1/runs", { issue: { title: "a", body: "" } }),
    await runtime.post(`/internal/v1/runs/${market.runId}/events`, { event_type: "note", payload: {} }),
    await runtime.post(`/internal/v1/treasury/compute/reservations/${market.reservationId}/void`, {}),
    await runtime.post(`/internal/v1/workers/${market.first.workerId}/disable`, { reason: "x" }),
    await claimAnswer(market, market.second),
  ];
  for (const answer of commands) assertFrozen(answer);

  const replayed = await runtime.post(
    "/internal/v1/treasury/demo-grants",
    { amount_msats: 500 },
    { key: "g" },
  );
  assert.equal(replayed.text, before.text);
  assert.equal(replayed.headers.get("idempotent-replayed"), "true");
  assert.equal((await runtime.get("/internal/v1/treasury/compute/summary")).json.available_msats, 500);
  const renewed = await runtime.post(
    `/internal/v1/jobs/${held.job.job_id}/lease`,
    { lease_id: held.lease.lease_id },
    { token: market.first.token },
  );
  assert.equal(renewed.status, 200, renewed.text);
  assert.equal((await report(market, market.first, held, FIXED)).status, 200);
  assertFrozen(await verify(market, held.job));

  const ready = await runtime.get("/readyz");
  assert.equal(ready.status, 200);
  const check = ready.json.checks.find((each: { name: string }) => each.name === "authority_mode");
  assert.deepEqual(check, { name: "authority_mode", ok: true, detail: "read_only" });

  assert.equal((await setMode(runtime, "active", "done")).status, 200);
  const { status } = await runtime.post(RESERVE, { amount_msats: 100 }, { key: refusedKey });
  assert.equal(status, 201, "a refusal by freeze leaves the key free");
  await assertSound(runtime);
});

test("a freeze holds for every process at once and survives a restart", async (t) => {
  const one = await startHarness(t);
  const two = await startHarness(t, { databaseUrl: one.databaseUrl });
  await grant(one, 1_000);
  await setMode(one, "read_only", "a test");
  assertFrozen(await two.post(RESERVE, { amount_msats: 1 }));
  await one.stop();
  await two.stop();
  const again = await startHarness(t, { databaseUrl: one.databaseUrl });
  assertFrozen(await again.post(RESERVE, { amount_msats: 1 }));
  assert.equal((await again.get(MODE)).json.mode, "read_only");
  await setMode(again, "active", "a test");
  assert.equal((await again.post(RESERVE, { amount_msats: 1 })).status, 201);
});

test("nothing that races a freeze commits after the freeze's answer", async (t) => {
  const one = await startHarness(t);
  const two = await startHarness(t, { databaseUrl: one.databaseUrl });
  await grant(one, 100_000);
  for (let round = 0; round < 5; round += 1) {
    const racing = Array.from({ length: 24 }, (_, index) =>
      (index % 2 === 0 ? one : two).post(RESERVE, { amount_msats: 1 }),
    );
    const frozen = await setMode(one, "read_only", "a test");
    assert.equal(frozen.status, 200, frozen.text);
    const reservedThen = await reserved(two);
    const answers = await Promise.all(racing);
    assert.equal(
      await reserved(one),
      reservedThen,
      "the money that was reserved at the answer is all there is",
    );
    for (const answer of answers) if (answer.status !== 201) assertFrozen(answer);
    assert.equal((await setMode(two, "active", "a test")).status, 200);
  }
  await assertSound(one);
});

test("of eight that freeze at once one changes the mode, and all answer its receipt", async (t) => {
  const runtime = await startHarness(t);
  const answers = await Promise.all(Array.from({ length: 8 }, () => setMode(runtime, "read_only", "a test")));
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
  assert.equal(new Set(answers.map((answer) => answer.json.receipt_id)).size, 1);
  const receipts = await runtime.get("/internal/v1/receipts?schema=openagents.authority.mode_changed.v1");
  assert.equal(receipts.json.receipts.length, 1);
});

test("only an admin freezes", async (t: TestContext) => {
  const runtime = await startHarness(t);
  const token = await runtime.token({ scopes: ["authority:freeze", "authority:read"] });
  assert.equal((await runtime.post(MODE, { mode: "read_only", reason: "a test" }, { token })).status, 403);
  assert.equal((await runtime.get(MODE, { token })).json.mode, "active");
});

function setMode(runtime: Harness, mode: string, reason: string): Promise<Answer> {
  return runtime.post(MODE, { mode, reason });
}

function assertFrozen(answer: Answer): void {
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.json.code, "writes_frozen");
  assert.equal(answer.headers.get("retry-after"), "10");
}

async function reserved(runtime: Harness): Promise<number> {
  return (await runtime.get("/internal/v1/treasury/compute/summary")).json.reserved_msats;
}
