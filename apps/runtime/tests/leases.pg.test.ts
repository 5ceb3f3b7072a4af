// Leases that lapse, providers that fail, stop or never come, and who does the
// work then. Over HTTP only; the clock is the test's, and so are the looks.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { manualClock, type ManualClock } from "@openagents/testing";
import { assertSound, grant } from "./ledger-checks.ts";
import { startHarness } from "./harness.ts";
import {
  FEE,
  FIXED,
  PRICE,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  assertBuyerHas,
  claim,
  claimAnswer,
  earnedBy,
  joinMarket,
  order,
  report,
  settle,
  startMarket,
  verify,
  work,
  type Claimed,
  type Market,
  type Party,
} from "./market.ts";

test("a lapsed lease is struck once, and its job goes to another provider, who is paid once for it", async (t) => {
  const { market, clock } = await start(t);
  const third = await joinThird(market, PRICE / 2);
  const late = await claim(market, market.first);
  const swept = await pass(market, clock, 40_000, [third, market.second]);
  assert.deepEqual([swept.lapsed, swept.reassigned], [1, 1]);
  assert.equal((await workerOf(market, market.first)).strikes, 1);
  assert.equal(await faultsOf(market, market.first), 1);

  // The old provider's late report, and its renewal, are refused, and it is told why.
  const handedIn = await report(market, market.first, late, { ...FIXED, upload: false });
  assert.equal(handedIn.json.reason, "job_reassigned", handedIn.text);
  assert.match(handedIn.json.detail, /another provider/);
  assert.equal((await renew(market, market.first, late)).json.reason, "job_reassigned");
  assert.equal((await claimAnswer(market, market.first)).json.job, undefined);

  const done = await work(market, third, FIXED);
  assert.equal(done.job_id, late.job.job_id);
  await verify(market, done);
  await work(market, market.second, FIXED);
  assert.equal((await verify(market, done)).json.verification.verdict, "proven");
  assert.equal((await settle(market, done)).json.settlement.status, "released");
  assert.equal(await earnedBy(market, market.first), 0);
  assert.equal(await earnedBy(market, third), PRICE);
  await assertBuyerHas(market, TOTAL - PRICE - FEE - SECOND_PRICE - SECOND_FEE);
  const again = await report(market, market.first, late, { ...FIXED, upload: false });
  assert.equal(again.json.reason, "job_reassigned");

  const receipts = await receiptsOf(market, "openagents.runtime.fallback_provider_used.v1");
  assert.equal(receipts.length, 1);
  const [used] = receipts;
  assert.deepEqual(
    [used.from_worker_id, used.provider_worker_id, used.because, used.fallback_number],
    [market.first.workerId, third.workerId, "lease_lapsed", 1],
  );
  await assertSound(market.runtime);
});

test("who uploads or reads under a lease that holds no more is told what became of its job, and nobody else is", async (t) => {
  const endings: Readonly<Record<string, (market: Market, clock: ManualClock, held: Claimed) => unknown>> = {
    job_reassigned: async (market, clock) => {
      const third = await joinThird(market, PRICE / 2);
      await pass(market, clock, 40_000, [third, market.second]);
    },
    job_canceled: (market) =>
      market.runtime.post(
        `/internal/v1/workers/${market.first.workerId}/disable`,
        { reason: "test" },
        { token: market.first.token },
      ),
    result_already_submitted: (market, _clock, held) => report(market, market.first, held, FIXED),
    lease_lapsed: (market, clock) => pass(market, clock, 40_000, [market.second]),
  };
  for (const [reason, end] of Object.entries(endings)) {
    const { market, clock } = await start(t);
    const held = await claim(market, market.first);
    await end(market, clock, held);
    const asked = async (method: "GET" | "PUT", token: string, leaseId: string) => {
      const sha256 = method === "GET" ? market.patchSha256 : sha256Of("late");
      const answer = await fetch(
        `${market.runtime.url}/internal/v1/artifacts/${sha256}?lease_id=${leaseId}`,
        {
          method,
          headers: { authorization: `Bearer ${token}`, "content-type": "application/octet-stream" },
          ...(method === "PUT" ? { body: "late" } : {}),
        },
      );
      const { code, detail } = JSON.parse(await answer.text());
      return { status: answer.status, code, detail };
    };
    for (const method of ["GET", "PUT"] as const) {
      const told = await asked(method, market.first.token, held.lease.lease_id);
      assert.deepEqual([told.status, told.code], [409, reason], method);
      assert.match(told.detail, /\w{4}/);
      const stranger = await asked(method, market.second.token, held.lease.lease_id);
      assert.deepEqual([stranger.status, stranger.code], [404, "lease_not_found"], method);
      const unknown = await asked(method, market.first.token, `lease_${"0".repeat(32)}`);
      assert.deepEqual([unknown.status, unknown.code], [404, "lease_not_found"], method);
    }
  }
});

test("eight looks at once strike a lapsed lease once and move its job once", async (t) => {
  const { market, clock } = await start(t);
  const third = await joinThird(market, PRICE);
  await claim(market, market.first);
  await pass(market, clock, 25_000, [third]);
  clock.advance(6_000);
  const answers = await Promise.all(Array.from({ length: 8 }, () => sweep(market)));
  assert.equal(
    answers.reduce((sum, each) => sum + each.lapsed, 0),
    1,
  );
  assert.equal(
    answers.reduce((sum, each) => sum + each.reassigned, 0),
    1,
  );
  assert.equal((await workerOf(market, market.first)).strikes, 1);
});

test("a report that races the look is taken or refused, never both paid and passed on", async (t) => {
  const { market, clock } = await start(t);
  await joinThird(market, PRICE);
  const held = await claim(market, market.first);
  await pass(market, clock, 20_000, []);
  clock.advance(9_999);
  const [handedIn] = await Promise.all([
    report(market, market.first, held, { ...FIXED, upload: false }),
    sweep(market),
    sweep(market),
  ]);
  assert.equal(handedIn.status, 200, handedIn.text);
  const { job } = (await market.runtime.get(`/internal/v1/jobs/${held.job.job_id}`)).json;
  assert.equal(job.provider_worker_id, market.first.workerId);
  assert.equal((await workerOf(market, market.first)).strikes, 0);
});

test("what lapsed while the runtime was away holds again, and nobody is struck", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const third = await joinThird(market, PRICE);
  const held = await claim(market, market.first);
  await sweep(market);
  await market.runtime.stop();
  clock.advance(300_000);
  const restarted = {
    runtime: await startHarness(t, { nowMs: clock.nowMs, databaseUrl: market.runtime.databaseUrl }),
  };
  const first = { ...market.first, token: await restarted.runtime.token(PROVIDER_OWNER) };
  const back = { ...market, ...restarted, first };
  assert.equal((await sweep(back)).extended, 1);
  assert.equal((await renew(back, first, held)).status, 200);
  assert.equal((await workerOf(back, first)).strikes, 0);
  // A lease that it does not renew then lapses by its own fault.
  const swept = await pass(back, clock, 40_000, []);
  assert.deepEqual([swept.lapsed, swept.extended], [1, 0]);
  assert.equal((await workerOf(back, first)).strikes, 1);
  assert.notEqual(third.workerId, first.workerId);
});

test("a provider that comes back for its lapsed job is struck when the runtime was there, and not when it was away", async (t) => {
  for (const [seen, strikes] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const { market, clock } = await start(t, { fallback: "none" });
    await claim(market, market.first);
    if (seen) {
      for (let step = 0; step < 3; step += 1) {
        await sweep(market);
        clock.advance(10_000);
      }
    } else clock.advance(31_000);
    await heartbeat(market, market.first);
    await claim(market, market.first);
    assert.equal((await workerOf(market, market.first)).strikes, strikes);
    // A lapse counts against its provider's reliability as often as it is struck.
    assert.equal(await faultsOf(market, market.first), strikes);
  }
});

test("an order that its provider never took goes on without a strike", async (t) => {
  const { market, clock } = await start(t);
  const third = await joinThird(market, PRICE);
  const swept = await pass(market, clock, 130_000, [third]);
  assert.deepEqual([swept.lapsed, swept.reassigned], [0, 1]);
  assert.equal((await workerOf(market, market.first)).strikes, 0);
  assert.equal((await claim(market, third)).job.purpose, "work");
});

test("a provider that lives and takes nothing loses the order when its time is over", async (t) => {
  const { market, clock } = await start(t);
  const third = await joinThird(market, PRICE);
  assert.equal((await pass(market, clock, 890_000, [market.first, third])).reassigned, 0);
  assert.equal((await pass(market, clock, 20_000, [market.first, third])).reassigned, 1);
});

test("a provider that stops gives its order up at once, without a strike", async (t) => {
  const { market } = await start(t);
  await joinThird(market, PRICE);
  await market.runtime.post(
    `/internal/v1/workers/${market.first.workerId}/stop`,
    {},
    { token: market.first.token },
  );
  assert.equal((await sweep(market)).reassigned, 1);
  assert.equal((await workerOf(market, market.first)).strikes, 0);
});

for (const [code, reassigned, strikes] of [
  ["provider_error", true, 1],
  ["sandbox_failed", true, 1],
  ["provider_stopped", true, 0],
  // Of the job, not of its provider: another one would find the same.
  ["patch_not_applicable", false, 0],
  ["constructor", false, 0],
] as const) {
  test(`a failure ${code} ${reassigned ? "goes to another provider" : "stands"}, with ${strikes} strikes`, async (t) => {
    const { market } = await start(t);
    const third = await joinThird(market, PRICE);
    const held = await claim(market, market.first);
    const send = () => fail(market, market.first, held, code, "once");
    const answers = await Promise.all([send(), send(), send()]);
    assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
    const { job } = (await market.runtime.get(`/internal/v1/jobs/${held.job.job_id}`)).json;
    assert.equal(job.provider_worker_id, (reassigned ? third : market.first).workerId);
    assert.equal(job.status, reassigned ? "queued" : "reported");
    assert.equal((await workerOf(market, market.first)).strikes, strikes);
  });
}

test("a job goes to two other providers at most, and each that fails is struck", async (t) => {
  const { market } = await start(t);
  const others = [];
  for (const name of ["third", "fourth", "fifth"]) {
    others.push(await joinMarket(market.runtime, { sub: `dev_${name}`, org: `org_${name}` }, PRICE));
  }
  const failed = new Set<Party>();
  for (let next = market.first; failed.size < 3;) {
    const held = await claim(market, next);
    assert.equal((await fail(market, next, held, "provider_error")).status, 200);
    assert.equal((await workerOf(market, next)).strikes, 1);
    failed.add(next);
    const { job } = (await market.runtime.get(`/internal/v1/jobs/${held.job.job_id}`)).json;
    next = others.find((party) => party.workerId === job.provider_worker_id) ?? next;
  }
  for (const spare of others.filter((party) => !failed.has(party)))
    assert.equal((await claimAnswer(market, spare)).json.job, undefined);
  const receipts = await receiptsOf(market, "openagents.runtime.fallback_provider_used.v1");
  assert.equal(receipts.length, 2);
});

test("faults of two workers of one organisation at once are two strikes, and five quarantine it (weakness 46)", async (t) => {
  const { market, clock } = await start(t, { fallback: "none" });
  const cheaper = await joinMarket(market.runtime, PROVIDER_OWNER, PRICE - 1);
  await orderAnother(market);
  const both = [market.first, cheaper];
  for (const expected of [2, 4]) {
    for (const party of both) await claim(market, party);
    await pass(market, clock, 25_000, both);
    clock.advance(6_000);
    await Promise.all(Array.from({ length: 4 }, () => sweep(market)));
    for (const party of both) {
      assert.equal((await workerOf(market, party)).strikes, expected);
      assert.equal(await faultsOf(market, party), expected / 2);
    }
  }
  assert.equal((await workerOf(market, cheaper)).quarantined, false);
  await fail(market, cheaper, await claim(market, cheaper), "provider_error");
  for (const party of both) assert.equal((await workerOf(market, party)).quarantined, true);
  assert.equal((await claimAnswer(market, market.first)).json.reason, "worker_quarantined");
});

for (const [fallback, market_, reserve] of [
  ["none", false, false],
  ["reserve", false, true],
  ["market", true, true],
] as const) {
  test(`with the policy "${fallback}" the market ${market_ ? "may" : "may not"} take over, the reserve ${reserve ? "may" : "may not"}`, async (t) => {
    const { market } = await start(t, { fallback });
    await joinThird(market, PRICE);
    const held = await claim(market, market.first);
    await fail(market, market.first, held, "provider_error");
    const [used] = await receiptsOf(market, "openagents.runtime.fallback_provider_used.v1");
    assert.equal(used !== undefined, market_);

    const { market: other } = await start(t, { fallback });
    const operator = { sub: "svc_reserve", org: "org_operator", zone: "0" } as const;
    // At any price: it is paid what is reserved.
    const spare = await joinMarket(other.runtime, operator, PRICE * 100);
    await fail(other, other.first, await claim(other, other.first), "provider_error");
    assert.equal((await claimAnswer(other, spare)).json.job !== undefined, reserve);
  });
}

test("nobody takes over for more than was quoted, and never who runs it a second time", async (t) => {
  const { market } = await start(t);
  await joinThird(market, PRICE + 1);
  const held = await claim(market, market.first);
  await fail(market, market.first, held, "provider_error");
  // The dear one and the buyer's own device, which repeats it, are all there is.
  const { job } = (await market.runtime.get(`/internal/v1/jobs/${held.job.job_id}`)).json;
  assert.equal(job.status, "reported");
});

test("without anybody else a lapsed job waits for its provider, and its buyer may have the money back", async (t) => {
  const { market, clock } = await start(t, { fallback: "none" });
  const held = await claim(market, market.first);
  await pass(market, clock, 40_000, [market.first]);
  const again = await claim(market, market.first);
  assert.equal(again.job.job_id, held.job.job_id);
  const late = await report(market, market.first, held, { ...FIXED, upload: false });
  assert.equal(late.json.reason, "lease_lapsed");
  await pass(market, clock, 40_000, [market.first]);
  assert.equal((await workerOf(market, market.first)).strikes, 2);
  const path = `/internal/v1/treasury/compute/reservations/${market.reservationId}/void`;
  assert.equal((await market.runtime.post(path, {})).status, 200);
  await assertBuyerHas(market, TOTAL);
});

test("heartbeats and registrations change nothing that the runtime owns, and a strike is no heartbeat (weakness 46)", async (t) => {
  const { market } = await start(t);
  const held = await claim(market, market.first);
  const before = await workerOf(market, market.first);
  await fail(market, market.first, held, "provider_error");
  const struck = await workerOf(market, market.first);
  assert.equal(struck.strikes, 1);
  assert.equal(struck.last_heartbeat_at, before.last_heartbeat_at);
  for (const body of [{ strikes: 0 }, { quarantined: false }, { zone_tenths: 0 }]) {
    const beat = await market.runtime.post(`/internal/v1/workers/${market.first.workerId}/heartbeat`, body, {
      token: market.first.token,
    });
    assert.equal(beat.status, 400, beat.text);
  }
  await heartbeat(market, market.first);
  assert.equal((await workerOf(market, market.first)).strikes, 1);
});

test("while writes are frozen no job is moved and nobody is struck (weakness 48)", async (t) => {
  const { market, clock } = await start(t);
  await joinThird(market, PRICE);
  await claim(market, market.first);
  const frozen = await market.runtime.post("/internal/v1/authority/mode", {
    mode: "read_only",
    reason: "test",
  });
  assert.equal(frozen.status, 200, frozen.text);
  clock.advance(31_000);
  const swept = await market.runtime.post("/internal/v1/jobs/sweep", {});
  assert.equal(swept.json.code, "writes_frozen");
  assert.equal((await workerOf(market, market.first)).strikes, 0);
});

const PROVIDER_OWNER = { sub: "dev_provider", org: "org_provider" };

async function start(t: TestContext, options: { readonly fallback?: string } = {}) {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs, ...options });
  await sweep(market);
  return { market, clock };
}

function joinThird(market: Market, priceMsats: number): Promise<Party> {
  return joinMarket(market.runtime, { sub: "dev_third", org: "org_third" }, priceMsats);
}

type Swept = { readonly lapsed: number; readonly reassigned: number; readonly extended: number };

async function sweep(market: Pick<Market, "runtime">): Promise<Swept> {
  const token = await market.runtime.token();
  const answer = await market.runtime.post("/internal/v1/jobs/sweep", {}, { token });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

/** Time goes by with the runtime looking now and then, and some of the parties alive. */
async function pass(market: Market, clock: ManualClock, ms: number, alive: readonly Party[]): Promise<Swept> {
  const sum = { lapsed: 0, reassigned: 0, extended: 0 };
  for (let passedMs = 0; passedMs < ms; passedMs += 10_000) {
    clock.advance(Math.min(10_000, ms - passedMs));
    for (const party of alive) await heartbeat(market, party);
    const swept = await sweep(market);
    for (const name of ["lapsed", "reassigned", "extended"] as const) sum[name] += swept[name];
  }
  return sum;
}

/** With a fresh token: a test's clock outlives the first ones. */
async function heartbeat(market: Market, party: Party): Promise<void> {
  const path = `/internal/v1/workers/${party.workerId}/heartbeat`;
  const answer = await market.runtime.post(path, {}, { token: await market.runtime.token(party.owner) });
  assert.equal(answer.status, 200, answer.text);
}

async function orderAnother(market: Market): Promise<void> {
  await grant(market.runtime, TOTAL);
  await order(market.runtime, { fallback: "none" });
}

function renew(market: Market, party: Party, { job, lease }: Claimed) {
  const path = `/internal/v1/jobs/${job.job_id}/lease`;
  return market.runtime.post(path, { lease_id: lease.lease_id }, { token: party.token });
}

function fail(market: Market, party: Party, { job, lease }: Claimed, code: string, key?: string) {
  const body = { lease_id: lease.lease_id, failure: { code, detail: "" } };
  const path = `/internal/v1/jobs/${job.job_id}/result`;
  return market.runtime.post(path, body, { token: party.token, ...(key === undefined ? {} : { key }) });
}

async function workerOf(market: Market, party: Party) {
  const token = await market.runtime.token(party.owner);
  return (await market.runtime.get(`/internal/v1/workers/${party.workerId}`, { token })).json.worker;
}

/** Of the jobs in its record, those that it failed by its own fault. */
async function faultsOf(market: Market, { workerId }: Party): Promise<number> {
  const catalog = await market.runtime.get("/internal/v1/marketplace/catalog/providers");
  const record = catalog.json.records.find(
    (each: { provider_worker_id: string }) => each.provider_worker_id === workerId,
  );
  return record?.jobs_faulty ?? 0;
}

async function receiptsOf(market: Market, schema: string) {
  const listed = await market.runtime.get(`/internal/v1/receipts?schema=${schema}`);
  return listed.json.receipts.map((signed: { receipt: object }) => signed.receipt);
}

function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
