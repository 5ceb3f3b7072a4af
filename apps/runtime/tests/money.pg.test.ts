// Money over HTTP: limits hold under races, repeats have one effect, and the
// ledger's audit agrees afterwards.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSound, grant } from "./ledger-checks.ts";
import { startHarness } from "./harness.ts";

const RESERVE = "/internal/v1/treasury/compute/reserve";

test("200 concurrent reservations against money for 50: exactly 50 succeed, 150 are short of funds", async (t) => {
  const runtime = await startHarness(t);
  await grant(runtime, 50_000);
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => runtime.post(RESERVE, { amount_msats: 1_000 })),
  );
  const made = answers.filter((answer) => answer.status === 201);
  const short = answers.filter((answer) => answer.status === 402);
  assert.equal(made.length, 50);
  assert.equal(short.length, 150);
  assert.deepEqual(new Set(short.map((answer) => answer.json.reason)), new Set(["insufficient_funds"]));
  assert.ok(short.every((answer) => answer.json.receipt_id.startsWith("sref_")));
  await assertSound(runtime);
  const summary = await runtime.get("/internal/v1/treasury/compute/summary");
  assert.equal(summary.json.available_msats, 0);
  assert.equal(summary.json.reserved_msats, 50_000);
});

test("64 concurrent requests with one key: one reservation, 64 byte-equal bodies", async (t) => {
  const runtime = await startHarness(t);
  await grant(runtime, 100_000);
  const answers = await Promise.all(
    Array.from({ length: 64 }, () => runtime.post(RESERVE, { amount_msats: 1_000 }, { key: "one" })),
  );
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([201]));
  assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
  assert.equal(answers.filter((answer) => answer.headers.get("idempotent-replayed") === "true").length, 63);
  const summary = await runtime.get("/internal/v1/treasury/compute/summary");
  assert.equal(summary.json.reserved_msats, 1_000);

  const other = await runtime.post(RESERVE, { amount_msats: 2_000 }, { key: "one" });
  assert.equal(other.status, 422);
  assert.equal(other.json.code, "idempotency_key_reused");
});

test("a refusal for want of funds replays as it was, also after money arrived", async (t) => {
  const runtime = await startHarness(t);
  const first = await runtime.post(RESERVE, { amount_msats: 1_000 }, { key: "early" });
  await grant(runtime, 100_000);
  const again = await runtime.post(RESERVE, { amount_msats: 1_000 }, { key: "early" });
  assert.equal(first.status, 402);
  assert.equal(again.text, first.text);
  assert.equal((await runtime.post(RESERVE, { amount_msats: 1_000 }, { key: "later" })).status, 201);
});

test("a voided reservation gives all of its money back, once", async (t) => {
  const runtime = await startHarness(t);
  await grant(runtime, 1_000);
  const reserved = await runtime.post(RESERVE, { amount_msats: 1_000 });
  const id = reserved.json.reservation.reservation_id;
  const voids = await Promise.all(Array.from({ length: 8 }, () => runtime.post(voidPath(id), {})));
  assert.equal(voids.filter((answer) => answer.status === 200).length, 1);
  assert.deepEqual(
    new Set(voids.filter((answer) => answer.status !== 200).map((answer) => answer.json.reason)),
    new Set(["reservation_not_reserved"]),
  );
  const summary = await runtime.get("/internal/v1/treasury/compute/summary");
  assert.equal(summary.json.available_msats, 1_000);
  await assertSound(runtime);
});

test("another organisation's reservation does not exist for a caller", async (t) => {
  const runtime = await startHarness(t);
  await grant(runtime, 1_000);
  const reserved = await runtime.post(RESERVE, { amount_msats: 1_000 });
  const stranger = await runtime.token({ sub: "usr_b", org: "org_b" });
  const answer = await runtime.post(
    voidPath(reserved.json.reservation.reservation_id),
    {},
    { token: stranger },
  );
  assert.equal(answer.status, 404);
});

function voidPath(reservationId: string): string {
  return `/internal/v1/treasury/compute/reservations/${reservationId}/void`;
}
