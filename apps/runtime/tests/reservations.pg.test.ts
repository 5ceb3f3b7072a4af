// Reservations end by themselves: when their time is over and nothing rests on
// them, and never before.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { assertSound, grant } from "./ledger-checks.ts";
import { startHarness, type Answer, type Harness } from "./harness.ts";
import {
  FIXED,
  SECOND_PRICE,
  TOTAL,
  claim,
  claimAnswer,
  order,
  report,
  settle,
  startMarket,
  verify,
  work,
  workAndVerify,
} from "./market.ts";

const RESERVE = "/internal/v1/treasury/compute/reserve";
const RECONCILE = "/internal/v1/treasury/compute/reconcile";
const NOON = Date.UTC(2027, 5, 9, 12);
const DAY_MS = 86_400_000;

test("money lies unused for a day, or for as long as was asked, and is then its owner's again", async (t) => {
  const clock = manualClock(NOON);
  const runtime = await startHarness(t, clock);
  await grant(runtime, 3_000);
  const short = await runtime.post(RESERVE, { amount_msats: 1_000, ttl_ms: 60_000 });
  const long = await runtime.post(RESERVE, { amount_msats: 2_000 });
  assert.equal(short.json.reservation.expires_at, "2027-06-09T12:01:00.000Z");
  assert.equal(long.json.reservation.expires_at, "2027-06-10T12:00:00.000Z");
  clock.advance(59_999);
  assert.deepEqual((await reconcile(runtime)).json.freed, []);
  clock.advance(1);
  const first = await reconcile(runtime);
  assert.deepEqual(ids(first.json.freed), [short.json.reservation.reservation_id]);
  assert.equal(first.json.freed_msats, 1_000);
  assert.match(first.json.receipt_id, /^recn_/);
  clock.advance(DAY_MS);
  assert.equal((await reconcile(runtime)).json.freed_msats, 2_000);
  const token = await runtime.token();
  const summary = await runtime.get("/internal/v1/treasury/compute/summary", { token });
  assert.deepEqual([summary.json.available_msats, summary.json.reserved_msats], [3_000, 0]);
  const receipts = await runtime.get(
    `/internal/v1/receipts?subject=${short.json.reservation.reservation_id}&schema=openagents.treasury.reservation_expired.v1`,
    { token },
  );
  assert.equal(receipts.json.receipts.length, 1);
  assert.equal((await runtime.get("/internal/v1/ledger/audit", { token })).json.ok, true);
});

test("what is expired is voided by nobody, and what is voided does not expire", async (t) => {
  const clock = manualClock(NOON);
  const runtime = await startHarness(t, clock);
  await grant(runtime, 2_000);
  const made = await Promise.all(
    Array.from({ length: 20 }, () => runtime.post(RESERVE, { amount_msats: 100, ttl_ms: 60_000 })),
  );
  clock.advance(60_000);
  const paths = made.map(
    ({ json }) => `/internal/v1/treasury/compute/reservations/${json.reservation.reservation_id}/void`,
  );
  const [voids, reports] = await Promise.all([
    Promise.all(paths.map((path) => runtime.post(path, {}))),
    Promise.all(Array.from({ length: 4 }, () => reconcile(runtime))),
  ]);
  const voided = voids.filter(({ status }) => status === 200).length;
  const freed = reports.flatMap(({ json }) => ids(json.freed));
  assert.equal(new Set(freed).size, freed.length, "nothing is freed twice");
  assert.equal(voided + freed.length, 20);
  await assertSound(runtime);
});

test("ordered work that no provider takes is called off after its limits, and the buyer has the money back", async (t) => {
  const clock = manualClock(NOON);
  const market = await startMarket(t, { ...clock, ttlMs: 60_000 });
  const { runtime } = market;
  clock.advance(60_000);
  const early = await reconcile(runtime);
  assert.deepEqual(early.json.freed, []);
  assert.deepEqual(
    early.json.left.map((each: { left_because: string }) => each.left_because),
    ["job_waiting"],
  );
  clock.advance(900_000);
  const late = await reconcile(runtime);
  assert.deepEqual(ids(late.json.freed), [market.reservationId]);
  assert.equal((await claimAnswer(market, market.first)).json.job, undefined, "nobody can take it any more");
  const token = await runtime.token();
  const replay = await runtime.get(`/internal/v1/runs/${market.runId}/replay`, { token });
  assert.match(replay.text, /job\.canceled/);
  assert.match(replay.text, /budget\.expired/);
  const summary = await runtime.get("/internal/v1/treasury/compute/summary", { token });
  assert.deepEqual([summary.json.available_msats, summary.json.reserved_msats], [TOTAL, 0]);
  assert.equal((await runtime.get("/internal/v1/ledger/audit", { token })).json.ok, true);
});

test("work that a provider holds, or handed in, keeps its money however long it takes", async (t) => {
  const clock = manualClock(NOON);
  const market = await startMarket(t, { ...clock, ttlMs: 60_000 });
  const held = await claim(market, market.first);
  clock.advance(60_000 - 1);
  const renewal = { lease_id: held.lease.lease_id };
  const path = `/internal/v1/jobs/${held.job.job_id}/lease`;
  // The lease lapsed meanwhile; the provider takes the job again, and holds it when the time is over.
  assert.equal((await market.runtime.post(path, renewal, { token: market.first.token })).status, 409);
  const again = await claim(market, market.first);
  clock.advance(1);
  assert.deepEqual(await leftBecause(market.runtime), ["job_held"]);
  assert.equal((await report(market, market.first, again, FIXED)).status, 200);
  assert.deepEqual(await leftBecause(market.runtime), ["job_reported"]);
  assert.equal((await verify(market, again.job)).status, 200);
  await work(market, market.second, FIXED);
  assert.equal((await verify(market, again.job)).json.verification.verdict, "proven");
  assert.deepEqual(await leftBecause(market.runtime), ["job_verified"]);
  assert.equal((await settle(market, again.job)).json.settlement.status, "released");
  assert.deepEqual(await leftBecause(market.runtime), []);
  await assertSound(market.runtime);
});

test("the service itself gives back what lies unused, and settles what its buyer never settled", async (t) => {
  const clock = manualClock(NOON);
  const market = await startMarket(t, { ...clock, ttlMs: 60_000, reconcileEveryMs: 5 });
  const { runtime } = market;
  const { job } = await workAndVerify(market, FIXED);
  await grant(runtime, 500);
  assert.equal((await runtime.post(RESERVE, { amount_msats: 500, ttl_ms: 60_000 })).status, 201);
  clock.advance(60_000);
  const token = await runtime.token();
  await until(async () => {
    const summary = await runtime.get("/internal/v1/treasury/compute/summary", { token });
    return summary.json.reserved_msats === 0 && summary.json.available_msats === 500;
  });
  const settled = await settle(market, job);
  assert.equal(settled.json.reason, "already_settled");
  const receipts = await runtime.get(
    `/internal/v1/receipts?subject=${market.runId}&schema=openagents.treasury.payment_receipt.v2`,
    { token },
  );
  assert.equal(receipts.json.receipts[0].receipt.actor ?? receipts.json.receipts[0].actor, "svc_runtime");
  await assertSound(runtime);
});

test("a patch that nobody reviews in time is withheld as expired, and its second run is paid", async (t) => {
  const clock = manualClock(NOON);
  const patch = `diff --git a/package.json b/package.json
index 1111111..2222222 100644
--- a/package.json
+++ b/package.json
@@ -1 +1 @@
-{"scripts":{"test":"node --test"}}
+{"scripts":{"test":"exit 0"}}
`;
  const market = await startMarket(t, {
    ...clock,
    ttlMs: 60_000,
    patch,
    spec: { guard_paths: ["package.json"] },
  });
  const { job, verified } = await workAndVerify(market, { ...FIXED, guardExit: 0 });
  assert.equal(verified.json.verification.verdict, "needs_review", verified.text);
  assert.equal((await settle(market, job)).json.reason, "needs_review");
  clock.advance(60_000);
  const settled = await settle(market, job);
  assert.deepEqual(
    [settled.json.settlement.withheld_reason, settled.json.settlement.second_opinion_msats],
    ["review_expired", SECOND_PRICE],
  );
  const late = await market.runtime.post(`/internal/v1/verifications/${job.job_id}/review`, {
    decision: "accepted",
    note: "",
  });
  assert.equal(late.json.reason, "already_settled", late.text);
  await assertSound(market.runtime);
});

test("what is left holds up nothing: every page is reached, by its cursor", async (t) => {
  const clock = manualClock(NOON);
  const market = await startMarket(t, { ...clock, ttlMs: 60_000 });
  const { runtime } = market;
  await grant(runtime, 1_000);
  for (let made = 0; made < 5; made += 1) {
    assert.equal((await runtime.post(RESERVE, { amount_msats: 200, ttl_ms: 60_001 + made })).status, 201);
  }
  clock.advance(60_010);
  let freed = 0;
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page: Answer = await reconcile(runtime, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    assert.equal(page.status, 200, page.text);
    freed += page.json.freed.length;
    pages += 1;
    cursor = page.json.next_cursor;
  } while (cursor !== undefined);
  assert.deepEqual([freed, pages], [5, 3]);
});

test("a reconciliation repeats byte for byte, and only operators ask for one", async (t) => {
  const clock = manualClock(NOON);
  const runtime = await startHarness(t, clock);
  await grant(runtime, 1_000);
  await runtime.post(RESERVE, { amount_msats: 1_000, ttl_ms: 60_000 });
  clock.advance(60_000);
  const first = await runtime.post(RECONCILE, {}, { key: "once" });
  const again = await runtime.post(RECONCILE, {}, { key: "once" });
  assert.equal(again.text, first.text);
  assert.equal(again.headers.get("idempotent-replayed"), "true");
  const token = await runtime.token({ scopes: ["treasury:reconcile", "treasury:spend"] });
  assert.equal((await runtime.post(RECONCILE, {}, { token })).status, 403);
});

test("a quote whose reservation expired is not reserved anew", async (t) => {
  const clock = manualClock(NOON);
  const market = await startMarket(t, { ...clock, ttlMs: 60_000, dispatch: false });
  clock.advance(60_000);
  assert.deepEqual(ids((await reconcile(market.runtime)).json.freed), [market.reservationId]);
  assert.equal((await market.dispatch()).json.reason, "reservation_not_reserved");
  const again = await market.runtime.post(RESERVE, {
    amount_msats: TOTAL,
    quote_id: market.quote.quote_id,
  });
  assert.equal(again.json.reason, "quote_expired");
  assert.ok(await order(market.runtime, { dispatch: false }), "another quote is");
});

function reconcile(runtime: Harness, body: object = {}): Promise<Answer> {
  return runtime.token().then((token) => runtime.post(RECONCILE, body, { token }));
}

async function leftBecause(runtime: Harness): Promise<string[]> {
  const answer = await reconcile(runtime);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json.freed, []);
  return answer.json.left.map((each: { left_because: string }) => each.left_because);
}

function ids(reservations: readonly { readonly reservation_id: string }[]): string[] {
  return reservations.map((each) => each.reservation_id);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
