import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TABLES, encodeClientFrames, formatQuery, readRows, type ClientMessage } from "@openagents/spacetime";
import { startHarness } from "./harness.ts";
import { until } from "./until.ts";

const STREAM = "runtime.run.run_1.events";
const EVENTS = formatQuery({ table: "sync_event", streamId: STREAM, afterSeq: 0n });

test("a session ends when its token does", async (t) => {
  let nowMs = Date.now();
  const sync = await startHarness(t, { nowMs: () => nowMs });
  const short = await sync.client({ streams: [STREAM], ttlS: 60 });
  const long = await sync.client({ streams: [STREAM], ttlS: 300 });
  await short.follow(STREAM);
  nowMs += 61_000;
  assert.deepEqual(await short.untilClosed(), { code: 4401, reason: "token_expired" });
  await long.follow(STREAM);
});

test("a client that does not read is cut, and what it got is without a gap", async (t) => {
  const sync = await startHarness(t, {
    limits: { stalledMs: 300, waitingBytes: 64 * 1024, recentEvents: 50 },
  });
  const slow = await sync.client({ streams: [STREAM] });
  const good = await sync.client({ streams: [STREAM] });
  await Promise.all([slow.follow(STREAM), good.follow(STREAM)]);
  slow.socket.pause();
  // More than a socket's buffers on both ends take.
  for (let round = 1; round <= 20; round++) {
    await sync.append(STREAM, 100, { size: 10_000 });
    await sync.announce(STREAM);
    await good.until(() => good.seqs(STREAM).length === round * 100);
  }
  await until(async () =>
    /sessions_ended_total\{reason="slow_consumer"[^\n]* 1/.test(await metrics(sync.url)),
  );
  slow.socket.resume();
  assert.deepEqual(await slow.untilClosed(), { code: 4408, reason: "slow_consumer" });
  const got = slow.seqs(STREAM);
  assert.ok(got.length < 2_000);
  assert.deepEqual(
    got,
    got.map((_, index) => BigInt(index + 1)),
    "what it got is without a gap",
  );
  await sync.append(STREAM, 1);
  await good.until(() => good.seqs(STREAM).length === 2_001);
});

test("what waits for a client that does not read is bounded, and when it reads, it catches up without a gap", async (t) => {
  const sync = await startHarness(t, { limits: { waitingBytes: 32 * 1024, recentEvents: 10 } });
  const client = await sync.client({ streams: [STREAM] });
  await client.follow(STREAM);
  client.socket.pause();
  for (let round = 0; round < 20; round++) {
    await sync.append(STREAM, 100, { size: 10_000 });
    await sync.announce(STREAM);
  }
  // Once another one has the newest event, this one would have been sent it as well.
  const good = await sync.client({ streams: [STREAM] });
  await good.follow(STREAM, 1_990n);
  await sync.append(STREAM, 1);
  await good.until(() => good.seqs(STREAM).includes(2_001n));
  const waiting = Number(/openagents_sync_waiting_bytes\{[^\n]* (\d+)\n/.exec(await metrics(sync.url))?.[1]);
  assert.ok(waiting > 0 && waiting < 1_000_000, `${waiting} of 20 million bytes wait`);
  client.socket.resume();
  await client.until(() => client.seqs(STREAM).length >= 2_001);
  assert.deepEqual(
    client.seqs(STREAM),
    Array.from({ length: 2_001 }, (_, index) => BigInt(index + 1)),
  );
});

test("garbage ends its own session and nothing else", async (t) => {
  const sync = await startHarness(t);
  const witness = await sync.client({ streams: [STREAM] });
  await witness.follow(STREAM);
  const valid: ClientMessage = {
    tag: "Subscribe",
    value: { requestId: 1, querySetId: { id: 1 }, queryStrings: [EVENTS] },
  };
  const [frame = new Uint8Array()] = encodeClientFrames("v3.bsatn.spacetimedb", [valid]);
  const mutated = fc
    .tuple(fc.nat(frame.length - 1), fc.integer({ min: 0, max: 255 }))
    .map(([at, byte]) => frame.with(at, byte));
  const frames = fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, fc.constant(frame.subarray(0, 9)));
  await fc.assert(
    fc.asyncProperty(fc.array(frames, { minLength: 1, maxLength: 5 }), async (garbage) => {
      const client = await sync.client({ streams: [STREAM] });
      for (const each of garbage) client.socket.send(each);
      // A request that is answered, unless the session has ended.
      await client.query(EVENTS).catch(() => undefined);
      client.close();
    }),
    { numRuns: 60 },
  );
  for (const text of ["hello", ""]) {
    const client = await sync.client();
    client.socket.send(text);
    assert.equal((await client.untilClosed()).code, 1003);
  }
  await sync.append(STREAM, 1);
  await sync.announce(STREAM);
  await witness.until(() => witness.seqs(STREAM).length === 1);
  await until(async () => /openagents_sync_sessions\{[^\n]* 1\n/.test(await metrics(sync.url)));
  assert.match(await metrics(sync.url), /openagents_sync_subscriptions\{[^\n]* 1\n/);
});

test("a frame above the limit, and more messages than the limit, end a session", async (t) => {
  const sync = await startHarness(t, {
    limits: { frameBytes: 2_000, messageBurst: 20, messagesPerSecond: 1 },
  });
  const large = await sync.client();
  large.socket.send(new Uint8Array(2_001));
  assert.equal((await large.untilClosed()).code, 1009);
  const many = await sync.client();
  const message: ClientMessage = { tag: "OneOffQuery", value: { requestId: 1, queryString: "" } };
  many.send(...Array.from({ length: 21 }, () => message));
  assert.deepEqual(await many.untilClosed(), { code: 4429, reason: "rate_limited" });
});

test("queries and sessions have a limit", async (t) => {
  const sync = await startHarness(t, { limits: { queries: 2, sessionsOfIdentity: 2 } });
  const client = await sync.client({ streams: [STREAM] });
  const first = await client.follow(STREAM);
  await client.follow(STREAM);
  await assert.rejects(client.follow(STREAM), /^Error: too_many_queries /);
  client.send({
    tag: "Unsubscribe",
    value: { requestId: 90, querySetId: { id: first }, flags: { tag: "Default", value: undefined } },
  });
  await client.follow(STREAM);
  await sync.client();
  await assert.rejects(sync.client(), /refused 429/);
  await sync.client({ sub: "usr_2" });
});

test("more than one answer holds is refused and read in pages; below the floor, above the head: stale", async (t) => {
  const sync = await startHarness(t, { limits: { rows: 100, rowBytes: 50_000 } });
  const client = await sync.client({ streams: [STREAM, "runtime.stats"] });
  await sync.append(STREAM, 250);
  await assert.rejects(client.follow(STREAM), /^Error: replay_budget_exceeded /);
  await assert.rejects(client.query(EVENTS), /^Error: replay_budget_exceeded /);
  const page = await client.query(
    formatQuery({ table: "sync_event", streamId: STREAM, afterSeq: 100n, throughSeq: 200n }),
  );
  assert.deepEqual(
    page.tables.map(({ rows }) => readRows(TABLES.sync_event.row, rows).length),
    [100],
  );
  await client.follow(STREAM, 200n);
  assert.equal(client.seqs(STREAM).length, 50);
  await assert.rejects(
    client.follow(STREAM, 251n),
    stale({ requested_watermark: 251, retention_floor: 0, head: 250 }),
  );

  await sync.append(STREAM, 50, { size: 2_000 });
  await assert.rejects(client.follow(STREAM, 250n), /^Error: replay_budget_exceeded /);

  await sync.append("runtime.stats", 60, { keepNewest: 10 });
  await sync.admin(
    "UPDATE sync.stream_heads SET floor_seq = 50 WHERE stream_id = 'runtime.stats'; DELETE FROM sync.stream_events WHERE stream_id = 'runtime.stats' AND seq <= 50",
  );
  await assert.rejects(
    client.follow("runtime.stats", 49n),
    stale({ requested_watermark: 49, retention_floor: 50, head: 60 }),
  );
  await client.follow("runtime.stats", 50n);
  assert.equal(client.seqs("runtime.stats").length, 10);
});

test("a drain ends sessions with a reason that says: again, elsewhere", async (t) => {
  const sync = await startHarness(t);
  const { url, server } = await sync.startServer();
  const client = await sync.client({ streams: [STREAM], url });
  await client.follow(STREAM);
  await server[Symbol.asyncDispose]();
  assert.deepEqual(await client.untilClosed(), { code: 1012, reason: "service_restart" });
});

function stale(place: object): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Error && error.message.startsWith("stale_cursor "));
    const { stream_id: _stream, ...rest } = JSON.parse(error.message.slice("stale_cursor ".length));
    assert.deepEqual(rest, place);
    return true;
  };
}

async function metrics(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}
