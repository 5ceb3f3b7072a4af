// When a result is run a second time, over HTTP: by rule for who is new, by a draw
// that can be computed again for who is known.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { connect } from "@openagents/postgres";
import { manualClock } from "@openagents/testing";
import { commitmentOf, drawOf, nonceOf } from "../src/sampling/draw.ts";
import { startHarness, type Harness } from "./harness.ts";
import { assertSound, grant } from "./ledger-checks.ts";
import {
  FEE,
  FIXED,
  PRICE,
  TOTAL,
  decideBy,
  earnedBy,
  order,
  settle,
  startMarket,
  verify,
  work,
  workAndVerify,
  type Market,
} from "./market.ts";

const SEEDS = "/internal/v1/sampling/seeds";
const RATE_BPS = 2_000;
const DAY_MS = 24 * 3_600_000;

test("nothing is sampled unless the buyer asks for it in the quote", async (t) => {
  const { market } = await startKnown(t);
  const next = {
    ...market,
    ...(await order(market.runtime, { quoteKey: await keyFor(market, "not_drawn") })),
  };
  const { verified } = await workAndVerify(next, FIXED);
  assert.deepEqual(verified.json.verification.rerun, { decision: "required", because: "policy_always" });
  assert.equal(verified.json.verification.assurance, "self");
});

test("the first jobs of a new provider are run again though its buyer samples", async (t) => {
  const market = await startMarket(t);
  await openSeed(market.runtime);
  await grant(market.runtime, TOTAL);
  const next = {
    ...market,
    ...(await order(market.runtime, { dispatch: false, verificationPolicy: "sampled" })),
  };
  assert.equal(next.quote.expected_price_msats, next.quote.total_price_msats);
  await market.runtime.post(`/internal/v1/treasury/compute/reservations/${next.reservationId}/void`, {});
  await settleWork(market);
  const sampled = { ...market, ...(await order(market.runtime, { verificationPolicy: "sampled" })) };
  const { verified } = await workAndVerify(sampled, FIXED);
  assert.deepEqual(verified.json.verification.rerun, { decision: "required", because: "provider_new" });
});

test("what is not drawn is paid on the provider's word, is never verified, and gives the second run's price back", async (t) => {
  const { market } = await startKnown(t);
  const before = await available(market);
  const quoteKey = await keyFor(market, "not_drawn");
  const next = { ...market, ...(await order(market.runtime, { quoteKey, verificationPolicy: "sampled" })) };
  assert.ok(next.quote.expected_price_msats < next.quote.total_price_msats);
  const earned = await earnedBy(market, market.first);
  const job = await work(next, market.first, FIXED);
  const verified = (await verify(next, job)).json;
  const { verification } = verified;
  assert.equal(verification.status, "final");
  assert.equal(verification.verdict, "proven");
  assert.equal(verification.assurance, "provider");
  assert.equal(verification.rerun.decision, "not_drawn");
  assert.equal(verification.rerun.rate_bps, RATE_BPS);
  const settled = await settle(next, job);
  assert.equal(settled.json.settlement.status, "released");
  assert.equal(await earnedBy(market, market.first), earned + PRICE);
  assert.equal(await available(market), before - PRICE - FEE);
  const receipt = (await market.runtime.get(`/internal/v1/receipts/${verified.receipt_id}`)).json.receipt;
  assert.deepEqual(receipt.rerun, verification.rerun, "the receipt has the policy's numbers");
  await assertSound(market.runtime);
});

test("what is drawn is run again, and a lie told there opens an incident", async (t) => {
  const { market } = await startKnown(t);
  const quoteKey = await keyFor(market, "drawn");
  const next = { ...market, ...(await order(market.runtime, { quoteKey, verificationPolicy: "sampled" })) };
  const { job, verified } = await workAndVerify(next, FIXED, { baseExit: 1, patchedExit: 1 });
  assert.equal(verified.json.verification.rerun.decision, "drawn");
  assert.equal(verified.json.verification.disagreement, true);
  assert.match(verified.json.verification.incident_id, /^inc_/);
  assert.equal((await settle(next, job)).json.reason, "incident_undecided");
  assert.equal(
    await decideBy(next, verified.json.verification.incident_id, { baseExit: 1, patchedExit: 1 }),
    "first_struck",
  );
  assert.equal((await settle(next, job)).json.settlement.withheld_reason, "disagreement");
});

test("a seed is hidden until it is revealed, and every draw can then be computed from it", async (t) => {
  const clock = manualClock(Date.now());
  const { market, seedId } = await startKnown(t, clock.nowMs);
  const quoteKey = await keyFor(market, "not_drawn");
  const next = { ...market, ...(await order(market.runtime, { quoteKey, verificationPolicy: "sampled" })) };
  const job = await work(next, market.first, FIXED);
  const reveal = async () =>
    market.runtime.post(`${SEEDS}/${seedId}/reveal`, {}, { token: await market.runtime.token() });
  const seedsNow = async () =>
    (await market.runtime.get(SEEDS, { token: await market.runtime.token({ org: "org_b" }) })).json.seeds;
  assert.equal((await reveal()).json.reason, "seed_is_newest");
  assert.equal((await seedsNow())[0].seed, undefined);

  clock.advance(DAY_MS);
  assert.equal((await openSeed(market.runtime)).status, 201);
  clock.advance(601_000);
  assert.equal((await reveal()).json.reason, "seed_in_use", "a job that is not decided rests on it");
  const token = await market.runtime.token();
  const verified = await market.runtime.post(
    "/internal/v1/verifications/sandbox-run",
    { job_id: job.job_id },
    { token },
  );
  const { rerun } = verified.json.verification;
  const revealed = await reveal();
  assert.equal(revealed.status, 200, revealed.text);
  assert.equal((await reveal()).json.reason, "seed_revealed");
  const { seed, commitment_sha256: commitment } = (await seedsNow()).find(
    (each: { seed_id: string }) => each.seed_id === seedId,
  );
  assert.equal(createHash("sha256").update(Buffer.from(seed, "hex")).digest("hex"), commitment);
  assert.equal(drawOf(seed, nonceOf(quoteKey), next.quote.job_hash), rerun.draw);
});

test("of eight that open a seed at once one does, and the next is due a day later", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const answers = await Promise.all(Array.from({ length: 8 }, () => openSeed(runtime)));
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  assert.ok(answers.every((answer) => answer.status === 201 || answer.json.reason === "seed_is_fresh"));
  clock.advance(DAY_MS - 1);
  assert.equal((await openSeed(runtime)).json.reason, "seed_is_fresh");
  clock.advance(1);
  assert.equal((await openSeed(runtime)).status, 201);
  const missing = `${SEEDS}/seed_${"0".repeat(32)}/reveal`;
  assert.equal((await runtime.post(missing, {}, { token: await runtime.token() })).status, 404);
});

/** A market whose first provider has shown for ten jobs that others agree with it. */
async function startKnown(
  t: TestContext,
  nowMs?: () => number,
): Promise<{ readonly market: Market; readonly seedId: string }> {
  const market = await startMarket(t, nowMs === undefined ? {} : { nowMs });
  await grant(market.runtime, TOTAL * 3);
  await sql(market, "INSERT INTO runtime.provider_standings VALUES ('org_provider', 9)");
  // The tenth, which makes it known.
  await settleWork(market);
  const opened = await openSeed(market.runtime);
  return { market, seedId: opened.json.seed.seed_id };
}

async function settleWork(market: Market): Promise<void> {
  const { job } = await workAndVerify(market, FIXED);
  assert.equal((await settle(market, job)).json.settlement.status, "released");
}

async function openSeed(runtime: Harness) {
  return runtime.post(SEEDS, {}, { token: await runtime.token() });
}

async function available(market: Market): Promise<number> {
  return (await market.runtime.get("/internal/v1/treasury/compute/summary")).json.available_msats;
}

/** A key whose draw comes out so; only who reads the service's own database can find one before the seed is revealed. */
async function keyFor(market: Market, decision: "drawn" | "not_drawn"): Promise<string> {
  const [row] = await sql<{ seed: string; commitment_sha256: string }>(
    market,
    "SELECT seed, commitment_sha256 FROM runtime.sampling_seeds",
  );
  assert.ok(row);
  assert.equal(commitmentOf(row.seed), row.commitment_sha256);
  for (let tried = 0; ; tried += 1) {
    const key = `${decision}-${tried}`;
    const isDrawn = drawOf(row.seed, nonceOf(key), market.quote.job_hash) < RATE_BPS;
    if (isDrawn === (decision === "drawn")) return key;
  }
}

async function sql<Row>(market: Market, text: string): Promise<Row[]> {
  const db = connect({ url: market.runtime.databaseUrl, applicationName: "test" });
  try {
    return await db.query<Row>({ name: "test.sql", text }, []);
  } finally {
    await db.close();
  }
}
