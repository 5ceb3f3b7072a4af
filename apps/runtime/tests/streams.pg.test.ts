// Streams over HTTP: numbered without a gap in the transaction of what they tell
// of, read by their owners only, and provable by their chain.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@openagents/postgres";
import { payloadHash, type JsonObject } from "@openagents/receipts";
import { CHAIN_START, chainStream } from "@openagents/streams";
import { grant } from "./ledger-checks.ts";
import { startHarness, type Harness } from "./harness.ts";
import { FIXED, settle, startMarket, workAndVerify } from "./market.ts";

type Event = { readonly seq: number; readonly payload_hash: string; readonly payload: JsonObject };

type Stream = { readonly stream_id: string };
type Head = { readonly seq: number; readonly chain_hash: string; readonly receipt_id: string };

const CAPS = { memory_mib_max: 64, disk_mib_max: 64, wall_ms_max: 1_000, concurrent_jobs_max: 1 };

const path = (streamId: string) => `/internal/v1/streams/${encodeURIComponent(streamId)}`;

test("a job that is paid for leaves dense streams of run, workers, fleet and money, each payload under its hash", async (t) => {
  const market = await startMarket(t);
  const { runtime, runId, first } = market;
  const { job } = await workAndVerify(market, FIXED);
  await settle(market, job);

  const run = await allEvents(runtime, `runtime.run.${runId}.events`);
  const log = (await runtime.get(`/internal/v1/runs/${runId}/events`)).json.events as JsonObject[];
  assert.deepEqual(
    run.map((event) => [event.seq, event.payload["kind"]]),
    log.map((event) => [event["seq"], event["event_type"]]),
  );
  const money = await allEvents(runtime, "runtime.treasury.org.org_a");
  const kinds = new Set(money.map((event) => event.payload["kind"]));
  for (const kind of ["demo_grant.v1", "budget_reserved.v1", "payment_receipt.v2"])
    assert.ok(kinds.has(`openagents.treasury.${kind}`), kind);

  const token = first.token;
  const worker = await allEvents(runtime, `runtime.worker.${first.workerId}.lifecycle`, token);
  assert.equal(worker[0]?.payload["kind"], "openagents.runtime.worker_registered.v1");
  const streams = (await runtime.get("/internal/v1/streams", { token })).json.streams as Stream[];
  assert.ok(streams.some(({ stream_id: id }) => id.startsWith("runtime.fleet.user.")));
});

test("one person's workers in two organisations are one fleet, and that person's alone", async (t) => {
  const runtime = await startHarness(t);
  const register = async (org: string, sub: string) => {
    const token = await runtime.token({ sub, org });
    const body = { display_name: org, roles: ["client"], capabilities: [], caps: CAPS, toolchains: [] };
    assert.equal((await runtime.post("/internal/v1/workers", body, { token })).status, 201);
    return token;
  };
  const first = await register("org_a", "usr_7");
  await register("org_b", "usr_7");
  await register("org_b", "usr_8");
  const fleet = "runtime.fleet.user.usr_7.workers";
  assert.equal((await allEvents(runtime, fleet, first)).length, 2);
  const { json } = await runtime.get(`${path(fleet)}/snapshot`, { token: first });
  assert.deepEqual(
    json.snapshot.workers.map((worker: { org: string }) => worker.org),
    ["org_b", "org_a"],
  );
  const colleague = await runtime.token({ sub: "usr_9", org: "org_a" });
  assert.equal((await runtime.get(`${path(fleet)}/events`, { token: colleague })).status, 404);
});

test("nobody else's stream is found, read, digested or snapshot, and a wrong name is nothing", async (t) => {
  const runtime = await startHarness(t);
  const streamId = await openRun(runtime);
  const token = await runtime.token({ sub: "usr_b", org: "org_b" });
  for (const tail of ["/events", "/digest", "/snapshot", "/heads"])
    assert.equal((await runtime.get(`${path(streamId)}${tail}`, { token })).status, 404, tail);
  assert.deepEqual((await runtime.get("/internal/v1/streams", { token })).json.streams, []);
  for (const name of ["runtime.run.x'--.events", "runtime.run.*.events", "x"])
    assert.equal((await runtime.get(`${path(name)}/events`)).json.code, "stream_not_found");
});

test("many writers at once leave one order without gap, and a batch's events follow each other", async (t) => {
  const runtime = await startHarness(t);
  await grant(runtime, 1_000_000);
  const asked = 60;
  const answers = await Promise.all(
    Array.from({ length: asked }, () =>
      runtime.post("/internal/v1/treasury/compute/reserve", { amount_msats: 10 }),
    ),
  );
  const reserved = answers.filter(({ status }) => status === 201).length;
  assert.equal(reserved, asked, answers.find(({ status }) => status !== 201)?.text);
  const events = await allEvents(runtime, "runtime.treasury.org.org_a");
  const ids = events
    .filter((event) => event.payload["kind"] === "openagents.treasury.budget_reserved.v1")
    .map((event) => (event.payload["payload"] as JsonObject)["reservation_id"]);
  assert.equal(new Set(ids).size, asked);
});

test("the digest is the chain over the payload hashes, from anywhere to anywhere", async (t) => {
  const runtime = await startHarness(t);
  const streamId = await openRun(runtime, 6);
  const events = await allEvents(runtime, streamId);
  const chains = [CHAIN_START];
  for (const event of events)
    chains.push(chainStream(chains.at(-1) ?? "", BigInt(event.seq), event.payload_hash));
  for (const [from, to] of [
    [0, 7],
    [0, 0],
    [3, 5],
    [7, 7],
  ]) {
    const { json } = await runtime.get(`${path(streamId)}/digest?from=${from}&to=${to}`);
    assert.deepEqual(
      [json.from_chain, json.chain_hash, json.head_seq],
      [chains[from ?? 0], chains[to ?? 0], 7],
    );
  }
  assert.equal((await runtime.get(`${path(streamId)}/digest?to=8`)).status, 400);
  assert.equal((await runtime.get(`${path(streamId)}/digest?from=3&to=2`)).status, 400);
});

test("heads enter the log by their receipts, and a stream that did not change is not sealed again", async (t) => {
  const runtime = await startHarness(t, { streamSweepEveryMs: 50 });
  const streamId = await openRun(runtime, 2);
  const heads = await until(async () => {
    const found = (await runtime.get(`${path(streamId)}/heads`)).json.heads as Head[];
    return found[0]?.seq === 3 ? found : undefined;
  });
  const { json } = await runtime.get(`${path(streamId)}/digest`);
  assert.equal(heads[0]?.chain_hash, json.chain_hash);
  const receipt = await runtime.get(`/internal/v1/receipts/${heads[0]?.receipt_id}`);
  assert.equal(receipt.json.receipt.chain_hash, `sha256:${json.chain_hash}`);
  assert.ok(receipt.json.inclusion, "the log holds it");

  const token = await runtime.token({ sub: "svc_ops", org: "org_operator" });
  const again = await Promise.all(
    Array.from({ length: 8 }, () => runtime.post(`${path(streamId)}/heads`, {}, { token })),
  );
  assert.ok(again.every(({ json: answer }) => answer.sealed === false && answer.head.seq === 3));
  const stats = (await runtime.get(`${path("runtime.stats")}/events`)).json.events as Event[];
  assert.equal(stats.length, 1, "once a minute, however often it is looked");
});

test("a snapshot is the state at its event, and a stream of money tells the balances", async (t) => {
  const market = await startMarket(t);
  const { runtime, runId, first } = market;
  const run = (await runtime.get(`${path(`runtime.run.${runId}.events`)}/snapshot`)).json;
  assert.equal(run.snapshot.run.latest_seq, run.seq);
  const money = (await runtime.get(`${path("runtime.treasury.org.org_a")}/snapshot`)).json;
  const summary = (await runtime.get("/internal/v1/treasury/compute/summary")).json;
  assert.deepEqual(
    [money.snapshot.available_msats, money.snapshot.reserved_msats],
    [summary.available_msats, summary.reserved_msats],
  );
  const { json } = await runtime.get(`${path(`runtime.worker.${first.workerId}.lifecycle`)}/snapshot`, {
    token: first.token,
  });
  assert.equal(json.snapshot.worker.worker_id, first.workerId);
  const digest = (await runtime.get(`${path("runtime.treasury.org.org_a")}/digest`)).json;
  assert.equal(digest.chain_hash, money.chain_hash);
});

test("only the events below the floor of a stream that is not permanent may go, also for the service's role", async (t) => {
  const runtime = await startHarness(t);
  const permanent = await openRun(runtime, 3);
  const db = connect({ url: runtime.databaseUrl, applicationName: "test" });
  t.after(() => db.close());
  const sql = (text: string) => db.query({ name: "", text });
  await sql(`INSERT INTO sync.stream_heads (stream_id, tenant, keep_newest, head_seq, updated_at_ms)
             VALUES ('runtime.codex.worker.events.wrk_1', 'org_a', 3, 10, 1)`);
  await sql(`INSERT INTO sync.stream_events SELECT 'runtime.codex.worker.events.wrk_1', n, 'sha256:' || n,
                    '{"kind":"note","occurred_at":"2026-01-01T00:00:00.000Z","payload":{}}', 1
               FROM generate_series(1, 10) AS n`);
  await assert.rejects(sql(`DELETE FROM sync.stream_events WHERE stream_id = '${permanent}'`));
  await assert.rejects(sql("DELETE FROM sync.stream_events WHERE stream_id LIKE '%wrk_1' AND seq = 5"));

  const token = await runtime.token({ sub: "svc_ops", org: "org_operator" });
  const trimmed = path("runtime.codex.worker.events.wrk_1");
  const trim = () => runtime.post(`${trimmed}/trim`, {}, { token });
  assert.equal((await trim()).json.trimmed, 0, "not before its chain is stored");
  const seal = (seq: number, chain: string) =>
    sql(
      `INSERT INTO sync.stream_chains VALUES ('runtime.codex.worker.events.wrk_1', ${seq}, '${chain}', 'r')`,
    );
  await seal(6, "6".repeat(64));
  assert.deepEqual((await trim()).json, { floor_seq: 6, trimmed: 6 });
  assert.equal((await runtime.get(`${trimmed}/events`)).json.code, "stale_cursor");
  assert.equal((await runtime.get(`${trimmed}/events?after_seq=6`)).json.events.length, 4);
  assert.equal((await runtime.get(`${trimmed}/digest?from=6`)).json.from_chain, "6".repeat(64));
  assert.equal((await runtime.get(`${trimmed}/digest?from=2`)).json.code, "stale_cursor");
  assert.equal(
    (await runtime.post(`${path(permanent)}/trim`, {}, { token })).json.code,
    "stream_is_permanent",
  );
});

async function openRun(runtime: Harness, notes = 0): Promise<string> {
  const { json } = await runtime.post("/internal/v1/runs", { issue: { title: "x", body: "" } });
  const runId: string = json.run.run_id;
  for (let n = 0; n < notes; n += 1) {
    await runtime.post(`/internal/v1/runs/${runId}/events`, {
      event_type: "note",
      payload: { n },
      expected_previous_seq: n + 1,
    });
  }
  return `runtime.run.${runId}.events`;
}

/** Every event, each checked against its hash, by pages of three. */
async function allEvents(runtime: Harness, streamId: string, token?: string): Promise<Event[]> {
  const events: Event[] = [];
  for (;;) {
    const query = `?limit=3&after_seq=${events.length}`;
    const { status, text, json } = await runtime.get(
      `${path(streamId)}/events${query}`,
      token === undefined ? {} : { token },
    );
    assert.equal(status, 200, text);
    for (const event of json.events as Event[]) {
      assert.equal(event.seq, events.length + 1, "dense from 1");
      assert.equal(payloadHash(event.payload), event.payload_hash);
      events.push(event);
    }
    if (events.length >= json.stream.head_seq) return events;
  }
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadlineMs = Date.now() + 30_000;
  while (Date.now() < deadlineMs) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("it did not come to pass");
}
