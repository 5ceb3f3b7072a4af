// The client against a server in memory, in time that stands still: each test
// is one way in which delivery goes wrong, and what the client makes of it.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { StreamEvent } from "@openagents/streams";
import {
  memoryCheckpoints,
  startSyncClient,
  type Checkpoint,
  type StreamSpec,
  type StreamState,
  type SyncClient,
  type SyncClientOptions,
} from "../src/client/index.ts";
import { manualTimers } from "./manual-timers.ts";
import { createToyServer, eventOf } from "./toy-server.ts";

const RUN = "runtime.run.run_1.events";
const OTHER = "runtime.run.run_2.events";

type Applied = StreamSpec & { readonly events: StreamEvent[]; fault: (() => void) | undefined };

/** Remembers what it applied. */
function applier(streamId: string, more: Partial<StreamSpec> = {}): Applied {
  const applied: Applied = {
    streamId,
    events: [],
    fault: undefined,
    apply({ events }) {
      applied.fault?.();
      applied.events.push(...events);
    },
    ...more,
  };
  return applied;
}

function setUp(t: TestContext, more: Partial<SyncClientOptions> = {}) {
  const server = createToyServer();
  const timers = manualTimers();
  let tokens = 0;
  const client = startSyncClient({
    url: "http://sync.test",
    token: () => Promise.resolve({ token: `token-${++tokens}`, expiresAtMs: timers.nowMs() + 300_000 }),
    checkpoints: memoryCheckpoints(),
    timers,
    random: () => 0,
    openSocket: server.openSocket,
    fetch: server.fetch,
    ...more,
  });
  t.after(() => client.stop());
  const stateOf = (streamId = RUN): StreamState => client.status.streams.get(streamId) ?? { kind: "stopped" };
  const untilKind = (kind: StreamState["kind"], streamId = RUN) =>
    timers.until(`${streamId} is ${kind}`, () => stateOf(streamId).kind === kind);
  return { server, timers, client, stateOf, untilKind };
}

function assertWhole(applied: Applied, log: readonly StreamEvent[]): void {
  assert.deepEqual(
    applied.events.map(({ seq, payload }) => `${seq} ${payload}`),
    log.map(({ seq, payload }) => `${seq} ${payload}`),
  );
}

for (const protocol of ["v3.bsatn.spacetimedb", "v2.bsatn.spacetimedb"] as const) {
  for (const gzip of [false, true]) {
    test(`history, then what happens, over ${protocol}${gzip ? " with gzip" : ""}`, async (t) => {
      const { server, timers, client, untilKind } = setUp(t);
      server.faults.protocol = protocol;
      server.faults.gzip = gzip;
      server.append(RUN, 1_234);
      const applied = applier(RUN);
      client.follow(applied);
      await untilKind("live");
      await timers.until("the history is applied", () => applied.events.length === 1_234);
      server.append(RUN, 3);
      server.append(RUN, 1);
      await timers.until("the news is applied", () => applied.events.length === 1_238);
      assertWhole(applied, server.log(RUN));
    });
  }
}

test("a long history is read in bounded pages with visible progress, and only then subscribed to", async (t) => {
  const seen: string[] = [];
  const { server, timers, client, untilKind, stateOf } = setUp(t);
  server.append(RUN, 12_345);
  const applied = applier(RUN, {
    apply({ events }) {
      const state = stateOf();
      if (state.kind === "replaying") seen.push(`${state.fromSeq} ${state.seq} ${state.headSeq}`);
      applied.events.push(...events);
    },
  });
  client.follow(applied);
  await untilKind("live");
  await timers.until("all is applied", () => applied.events.length === 12_345);
  assertWhole(applied, server.log(RUN));
  assert.deepEqual(seen.slice(0, 3), ["0 0 12345", "0 1000 12345", "0 2000 12345"]);
  const pages = server.queries.filter((query) => query.includes("seq <="));
  assert.equal(pages.length, 3);
});

test("pages shrink until they fit into what the server answers at once", async (t) => {
  const { server, timers, client, untilKind } = setUp(t);
  server.faults.rowsMax = 400;
  server.append(RUN, 3_000);
  const applied = applier(RUN);
  client.follow(applied);
  await untilKind("live");
  await timers.until("all is applied", () => applied.events.length === 3_000);
  assertWhole(applied, server.log(RUN));
});

test("a client goes on from its checkpoint, and its chain is that of the whole stream", async (t) => {
  const checkpoints = memoryCheckpoints();
  const first = setUp(t, { checkpoints });
  first.server.append(RUN, 10);
  const before = applier(RUN);
  first.client.follow(before);
  await first.timers.until("ten are applied", () => before.events.length === 10);
  await first.client.stop();

  const { server, timers, client } = setUp(t, { checkpoints });
  server.append(RUN, 15);
  const after = applier(RUN);
  client.follow(after);
  await timers.until("five more are applied", () => after.events.length === 5);
  assert.equal(after.events[0]?.seq, 11n);
  await client.stop();
  assert.deepEqual(await checkpoints.load(RUN), {
    streamId: RUN,
    seq: 15n,
    chainHash: server.chainAt(RUN, 15n),
    baseSeq: 0n,
  });
});

test("the checkpoint never runs ahead of the handler", async (t) => {
  const order: string[] = [];
  const memory = memoryCheckpoints();
  const checkpoints = {
    ...memory,
    save(checkpoint: Checkpoint) {
      order.push(`saved ${checkpoint.seq}`);
      return memory.save(checkpoint);
    },
  };
  const { server, timers, client, untilKind } = setUp(t, { checkpoints });
  client.follow({
    streamId: RUN,
    async apply({ events }) {
      await Promise.resolve();
      order.push(`applied ${events.at(-1)?.seq}`);
    },
  });
  await untilKind("live");
  for (let count = 1; count <= 3; count++) {
    server.append(RUN, 1);
    await timers.until("it is saved", () => order.length === count * 2);
  }
  assert.deepEqual(order, ["applied 1", "saved 1", "applied 2", "saved 2", "applied 3", "saved 3"]);
});

test("a gap is filled by a replay from the cursor, and what came too early is applied in its turn", async (t) => {
  const { server, timers, client, untilKind } = setUp(t);
  const applied = applier(RUN);
  client.follow(applied);
  await untilKind("live");
  server.append(RUN, 3);
  await timers.until("three are applied", () => applied.events.length === 3);
  server.faults.silent = true;
  server.append(RUN, 2);
  server.faults.silent = false;
  server.append(RUN, 1);
  await timers.until("the gap is filled", () => applied.events.length === 6);
  await untilKind("live");
  assertWhole(applied, server.log(RUN));
});

test("deliveries twice, backwards and from long ago change nothing", async (t) => {
  const { server, timers, client, untilKind } = setUp(t);
  const applied = applier(RUN);
  client.follow(applied);
  await untilKind("live");
  server.append(RUN, 4);
  const [connection] = server.connections;
  const log = server.log(RUN);
  for (const events of [log, log.toReversed(), log.slice(1, 2)]) connection?.deliver(RUN, events);
  for (const event of log.toReversed()) connection?.deliver(RUN, [event]);
  server.append(RUN, 1);
  await timers.until("all is applied", () => applied.events.length === 5);
  await timers.advance(1_000);
  assertWhole(applied, server.log(RUN));
});

test("rows of one frame have no order: they are applied in that of their numbers, without asking again", async (t) => {
  const { server, timers, client, untilKind } = setUp(t);
  const applied = applier(RUN);
  client.follow(applied);
  await untilKind("live");
  const asked = server.queries.length;
  const events = [1, 2, 3, 4, 5].map((number) => eventOf(RUN, number));
  server.connections[0]?.deliver(RUN, events.toReversed());
  await timers.until("all is applied", () => applied.events.length === 5);
  assertWhole(applied, events);
  assert.equal(server.queries.length, asked);
});

test("an event that is not what its hash says is never applied: its stream stops visibly, tries again, and others go on", async (t) => {
  const { server, timers, client, untilKind, stateOf } = setUp(t);
  const [applied, other] = [applier(RUN), applier(OTHER)];
  client.follow(applied);
  client.follow(other);
  await untilKind("live");
  await untilKind("live", OTHER);
  const forged = { ...eventOf(RUN, 1), payload: '{"n":"forged"}' };
  server.connections[0]?.deliver(RUN, [forged]);
  await untilKind("failed");
  const state = stateOf();
  assert.ok(state.kind === "failed" && state.reason === "payload_hash_mismatch");
  server.append(OTHER, 1);
  await timers.until("the other is applied", () => other.events.length === 1);
  assert.deepEqual(applied.events, []);
  server.append(RUN, 1);
  await timers.advance(250);
  await timers.until("the true one is applied", () => applied.events.length === 1);
  assertWhole(applied, server.log(RUN));
});

test("a server that keeps forging is tried ever more rarely, up to 8 s, and nothing of it is applied", async (t) => {
  const { server, timers, client, untilKind, stateOf } = setUp(t);
  server.append(RUN, 600);
  server.faults.answer = (_stream, events) => events.map((event) => ({ ...event, payload: "{}" }));
  const applied = applier(RUN);
  client.follow(applied);
  const waits: number[] = [];
  for (let round = 0; round < 7; round++) {
    await untilKind("failed");
    const state = stateOf();
    if (state.kind !== "failed") continue;
    waits.push(state.retryAtMs - timers.nowMs());
    await timers.advance(state.retryAtMs - timers.nowMs());
  }
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000]);
  assert.deepEqual(applied.events, []);
});

test("a server that has less than its head says stops the stream and does not spin", async (t) => {
  const { server, client, untilKind, stateOf } = setUp(t);
  server.append(RUN, 600);
  server.faults.answer = (_stream, events) => events.slice(1);
  client.follow(applier(RUN));
  await untilKind("failed");
  const state = stateOf();
  assert.ok(state.kind === "failed" && state.reason === "gap_unfilled", JSON.stringify(state.kind));
  assert.ok(server.queries.length < 20);
});

test("a stream that was put back to an older state is told, not followed", async (t) => {
  const { server, timers, client, untilKind, stateOf } = setUp(t);
  const applied = applier(RUN);
  client.follow(applied);
  server.append(RUN, 5);
  await timers.until("five are applied", () => applied.events.length === 5);
  server.cutBack(RUN, 3n);
  server.connections[0]?.close(1012, "drain");
  await timers.advance(250);
  await untilKind("failed");
  const state = stateOf();
  assert.ok(state.kind === "failed" && state.reason === "ahead_of_head");
});

test("below the floor a snapshot is installed, then deltas follow, and the proof says from where", async (t) => {
  const order: string[] = [];
  const { server, timers, client } = setUp(t, {
    readSnapshot: (streamId) =>
      Promise.resolve({ streamId, seq: 40n, chainHash: server.chainAt(RUN, 40n), state: { workers: 3 } }),
    readDigest: (streamId, seq) =>
      Promise.resolve({ chainHash: server.chainAt(streamId, seq), headSeq: 50n }),
  });
  server.append(RUN, 50);
  server.trim(RUN, 30n);
  client.follow({
    streamId: RUN,
    apply({ events }) {
      order.push(...events.map(({ seq }) => String(seq)));
    },
    install({ state }, checkpoint) {
      order.push(`snapshot ${JSON.stringify(state)} at ${checkpoint.seq}`);
    },
  });
  await timers.until("all is applied", () => order.length === 11);
  assert.equal(order[0], 'snapshot {"workers":3} at 40');
  assert.deepEqual(order.slice(1), ["41", "42", "43", "44", "45", "46", "47", "48", "49", "50"]);
  const proof = await client.proveComplete(RUN);
  assert.ok(proof.kind === "complete" && proof.baseSeq === 40n && proof.seq === 50n);
});

test("below the floor without a way to a snapshot the stream stops visibly; a snapshot from before is refused", async (t) => {
  const plain = setUp(t);
  plain.server.append(RUN, 50);
  plain.server.trim(RUN, 30n);
  plain.client.follow(applier(RUN));
  await plain.untilKind("failed");
  const state = plain.stateOf();
  assert.ok(state.kind === "failed" && state.reason === "stale_cursor");
  assert.match(state.message, /"retention_floor":30/);

  const checkpoints = memoryCheckpoints();
  await checkpoints.save({ streamId: RUN, seq: 20n, chainHash: "a".repeat(64), baseSeq: 0n });
  const old = setUp(t, {
    checkpoints,
    readSnapshot: (streamId) => Promise.resolve({ streamId, seq: 10n, chainHash: "b".repeat(64), state: {} }),
  });
  old.server.append(RUN, 50);
  old.server.trim(RUN, 30n);
  old.client.follow(applier(RUN, { install: () => assert.fail("it would undo what is applied") }));
  await old.untilKind("failed");
  const refused = old.stateOf();
  assert.ok(refused.kind === "failed" && refused.reason === "snapshot_failed");
});

test("a handler that fails stops its own stream, sees the same events again, and others go on", async (t) => {
  const { server, timers, client, untilKind, stateOf } = setUp(t);
  const [applied, other] = [applier(RUN), applier(OTHER)];
  applied.fault = () => {
    throw new Error("the disk is full");
  };
  client.follow(applied);
  client.follow(other);
  await untilKind("live", OTHER);
  await untilKind("live");
  server.append(RUN, 2);
  await untilKind("failed");
  const state = stateOf();
  assert.ok(
    state.kind === "failed" && state.reason === "handler_failed" && state.message === "the disk is full",
  );
  server.append(OTHER, 1);
  await timers.until("the other is applied", () => other.events.length === 1);
  applied.fault = undefined;
  server.append(RUN, 1);
  await timers.advance(250);
  await timers.until("all is applied", () => applied.events.length === 3);
  assertWhole(applied, server.log(RUN));
});

test("a checkpoint that could not be kept is kept later, and its events are not applied again", async (t) => {
  const memory = memoryCheckpoints();
  let full = true;
  const checkpoints = {
    ...memory,
    save: (checkpoint: Checkpoint) =>
      full ? Promise.reject(new Error("no space")) : memory.save(checkpoint),
  };
  const { server, timers, client, untilKind, stateOf } = setUp(t, { checkpoints });
  const applied = applier(RUN);
  client.follow(applied);
  await untilKind("live");
  server.append(RUN, 2);
  await untilKind("failed");
  const state = stateOf();
  assert.ok(state.kind === "failed" && state.reason === "checkpoint_failed");
  full = false;
  await timers.advance(250);
  await untilKind("live");
  assert.equal((await memory.load(RUN))?.seq, 2n);
  server.append(RUN, 1);
  await timers.until("three are applied", () => applied.events.length === 3);
  assertWhole(applied, server.log(RUN));
  await client.stop();
  assert.equal((await memory.load(RUN))?.seq, 3n);
});

test("with the checkpoint in the handler's own transaction, a commit that looked like a failure is not repeated", async (t) => {
  let committed: Checkpoint | undefined;
  const effects: bigint[] = [];
  let losesAnswers = true;
  const { server, timers, client, untilKind } = setUp(t, {
    checkpoints: { savedBy: "handler", load: () => Promise.resolve(committed) },
  });
  client.follow({
    streamId: RUN,
    apply({ events, checkpoint }) {
      effects.push(...events.map(({ seq }) => seq));
      committed = checkpoint;
      if (losesAnswers) throw new Error("the connection was lost after the commit");
    },
  });
  await untilKind("live");
  server.append(RUN, 2);
  await untilKind("failed");
  losesAnswers = false;
  await timers.advance(250);
  await untilKind("live");
  server.append(RUN, 1);
  await timers.until("three effects", () => effects.length === 3);
  assert.deepEqual(effects, [1n, 2n, 3n]);
});

test("a lost connection is made anew after a wait that is told with its reason, and the count begins anew on success", async (t) => {
  const { server, timers, client, untilKind, stateOf } = setUp(t);
  const applied = applier(RUN);
  client.follow(applied);
  await untilKind("live");
  server.faults.unreachable = true;
  server.connections[0]?.close(1006, "");
  const waits: number[] = [];
  const reasons: string[] = [];
  for (let round = 0; round < 8; round++) {
    await untilKind("backoff");
    const state = stateOf();
    if (state.kind !== "backoff") continue;
    reasons.push(state.reason);
    waits.push(state.retryAtMs - timers.nowMs());
    if (round === 7) server.faults.unreachable = false;
    await timers.advance(state.retryAtMs - timers.nowMs());
  }
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  assert.equal(reasons[0], "connection_lost");
  assert.equal(reasons[1], "unreachable: ECONNREFUSED");
  await untilKind("live");
  server.append(RUN, 1);
  await timers.until("it is applied", () => applied.events.length === 1);
  server.connections.at(-1)?.close(1012, "drain");
  await untilKind("backoff");
  const state = stateOf();
  assert.ok(state.kind === "backoff" && state.retryAtMs - timers.nowMs() === 250);
});

test("a timer that fires a moment before its time, as those of Node may, holds nobody up for ever", async (t) => {
  const exact = manualTimers();
  const early = { ...exact, after: (ms: number, body: () => void) => exact.after(ms - 1, body) };
  const { server, client, untilKind } = setUp(t, { timers: early });
  const applied = applier(RUN);
  client.follow(applied);
  await exact.until("it is live", () => client.status.streams.get(RUN)?.kind === "live");
  server.connections[0]?.close(1006, "");
  await exact.advance(1_000);
  await exact.until("it is live again", () => server.connections.at(-1)?.open === true);
  applied.fault = () => {
    throw new Error("not now");
  };
  server.append(RUN, 1);
  await untilKind("failed");
  applied.fault = undefined;
  await exact.advance(1_000);
  assert.equal(applied.events.length, 1);
});

test("whoever is refused reads why", async (t) => {
  const { server, timers, client, untilKind, stateOf } = setUp(t);
  client.follow(applier(RUN));
  await untilKind("live");
  server.faults.refusal = { status: 426, body: { code: "client_too_old", detail: "take build 9 or newer" } };
  server.connections[0]?.close(1012, "drain");
  await timers.advance(250);
  await untilKind("backoff");
  const state = stateOf();
  assert.ok(state.kind === "backoff" && state.reason === "client_too_old: take build 9 or newer");
});

test("a stream that is not granted stops by itself, and the others are followed", async (t) => {
  const { server, client, untilKind, stateOf } = setUp(t);
  client.follow(applier(OTHER));
  await untilKind("live", OTHER);
  server.faults.refuseSubscription = "forbidden_stream the token does not name it";
  client.follow(applier(RUN));
  await untilKind("failed");
  const state = stateOf();
  assert.ok(state.kind === "failed" && state.message.startsWith("forbidden_stream"));
  assert.equal(stateOf(OTHER).kind, "live");
});

test("before its token ends a session is replaced: both are open for a moment, and nothing is missed or applied twice", async (t) => {
  const { server, timers, client, untilKind, stateOf } = setUp(t);
  const applied = applier(RUN);
  client.follow(applied);
  await untilKind("live");
  server.append(RUN, 2);
  await timers.advance(269_999);
  assert.equal(server.connections.length, 1);
  await timers.advance(1);
  await timers.until("the first is left", () => server.connections[0]?.open === false);
  assert.equal(server.connections.length, 2);
  assert.equal(server.connections[1]?.token, "token-2");
  assert.deepEqual(server.connections[1]?.streams, [RUN]);
  assert.equal(stateOf().kind, "live");
  server.append(RUN, 2);
  await timers.until("four are applied", () => applied.events.length === 4);
  assertWhole(applied, server.log(RUN));
});

test("a renewal that fails is tried again while the old session goes on", async (t) => {
  const { server, timers, client, untilKind, stateOf } = setUp(t);
  const applied = applier(RUN);
  client.follow(applied);
  await untilKind("live");
  server.faults.unreachable = true;
  await timers.advance(271_000);
  assert.equal(stateOf().kind, "live");
  server.append(RUN, 1);
  await timers.until("it is applied", () => applied.events.length === 1);
  server.faults.unreachable = false;
  await timers.advance(8_000);
  await timers.until("it is renewed", () => server.connections.length === 2);
  server.append(RUN, 1);
  await timers.until("two are applied", () => applied.events.length === 2);
  assertWhole(applied, server.log(RUN));
});

test("a subscription that silently hears nothing is noticed within 15 s and replaced", async (t) => {
  const { server, timers, client, untilKind } = setUp(t);
  const applied = applier(RUN);
  server.faults.mute = true;
  client.follow(applied);
  await untilKind("live");
  await timers.advance(60_000);
  server.faults.mute = false;
  server.append(RUN, 3);
  await timers.advance(15_000);
  assertWhole(applied, server.log(RUN));
  await untilKind("live");
  assert.deepEqual(server.connections.at(-1)?.streams, [RUN]);
});

test("a server that silently went away is noticed within 15 s", async (t) => {
  const { server, timers, client, untilKind } = setUp(t);
  client.follow(applier(RUN));
  await untilKind("live");
  await timers.advance(60_000);
  server.faults.silent = true;
  await timers.advance(13_001);
  assert.equal(server.connections[0]?.open, false);
  server.faults.silent = false;
  await timers.advance(20_000);
  await untilKind("live");
});

test("a quiet stream is not taken for a dead one", async (t) => {
  const { server, timers, client, untilKind } = setUp(t);
  client.follow(applier(RUN));
  server.append(RUN, 1);
  await untilKind("live");
  await timers.advance(120_000);
  assert.equal(server.connections.length, 1);
});

test("what a handler is too slow for is not kept in memory without end, and not lost", async (t) => {
  const { server, timers, client, untilKind } = setUp(t);
  const gate = Promise.withResolvers<void>();
  const applied = applier(RUN, {
    async apply({ events }) {
      await gate.promise;
      applied.events.push(...events);
    },
  });
  client.follow(applied);
  await untilKind("live");
  for (let round = 0; round < 40; round++) server.append(RUN, 20, "a".repeat(50_000));
  await timers.advance(1_000);
  gate.resolve();
  await timers.until("all is applied", () => applied.events.length === 800);
  assertWhole(applied, server.log(RUN));
});

test("a stopped client has applied its batch, kept its checkpoint and closed its sockets", async (t) => {
  const checkpoints = memoryCheckpoints();
  const { server, timers, client, untilKind, stateOf } = setUp(t, { checkpoints });
  const gate = Promise.withResolvers<void>();
  const applied = applier(RUN, {
    async apply({ events }) {
      await gate.promise;
      applied.events.push(...events);
    },
  });
  client.follow(applied);
  await untilKind("live");
  server.append(RUN, 2);
  await timers.advance(10);
  const stopped = client.stop();
  server.append(RUN, 2);
  gate.resolve();
  await stopped;
  assert.equal((await checkpoints.load(RUN))?.seq, BigInt(applied.events.length));
  assert.equal(applied.events.length, 2);
  assert.ok(server.connections.every(({ open }) => !open));
  assert.equal(stateOf().kind, "stopped");
  assert.throws(() => client.follow(applier(OTHER)), /stopped/);
});

test("a client that never reached a server stops at once", async (t) => {
  const { client } = setUp(t, { token: () => new Promise(() => undefined) });
  client.follow(applier(RUN));
  await client.stop();
  const silent = setUp(t);
  silent.server.faults.silent = true;
  silent.client.follow(applier(RUN));
  await silent.timers.advance(100);
  await silent.client.stop();
});

test("a stream is followed once; after unfollow it may be followed again", async (t) => {
  const { server, timers, client, untilKind } = setUp(t);
  const applied = applier(RUN);
  client.follow(applied);
  assert.throws(() => client.follow(applied), /followed already/);
  server.append(RUN, 1);
  await untilKind("live");
  await client.unfollow(RUN);
  assert.deepEqual(server.connections[0]?.streams, []);
  server.append(RUN, 1);
  client.follow(applied);
  await timers.until("two are applied", () => applied.events.length === 2);
  assertWhole(applied, server.log(RUN));
});

test("a stream that is followed again while its last batch is applied goes on behind it: nothing twice, nothing missed", async (t) => {
  const { server, timers, client } = setUp(t);
  const seqs: bigint[] = [];
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  let running = 0;
  const followedBy = (wait?: Promise<void>) => ({
    streamId: RUN,
    async apply({ events }: { readonly events: readonly StreamEvent[] }) {
      running += 1;
      assert.equal(running, 1, "two handlers of one stream at once");
      await wait;
      seqs.push(...events.map(({ seq }) => seq));
      running -= 1;
    },
  });
  server.append(RUN, 1);
  client.follow(followedBy(held));
  await timers.until("the handler is at it", () => running === 1);
  const ended = client.unfollow(RUN);
  client.follow(followedBy());
  assert.throws(() => client.follow(followedBy()), /followed already/);
  server.append(RUN, 1);
  await timers.advance(100);
  assert.deepEqual([seqs, running], [[], 1]);
  release();
  await ended;
  await timers.until("both are applied", () => seqs.length === 2);
  assert.deepEqual(seqs, [1n, 2n]);
});

type Proven = Awaited<ReturnType<SyncClient["proveComplete"]>>;

test("a proof holds against the runtime and the public log, and names what differs", async (t) => {
  let forgedChain: string | undefined;
  let logged: { seq: bigint; chainHash: string; receiptId: string }[] = [];
  const { server, timers, client } = setUp(t, {
    readDigest(streamId, seq) {
      const headSeq = server.log(streamId).at(-1)?.seq ?? 0n;
      const chainHash = forgedChain ?? server.chainAt(streamId, seq);
      return Promise.resolve(seq > headSeq ? undefined : { chainHash, headSeq });
    },
    readLoggedHeads: () => Promise.resolve(logged),
  });
  server.append(RUN, 2_345);
  const applied = applier(RUN);
  client.follow(applied);
  await timers.until("all is applied", () => applied.events.length === 2_345);
  await client.unfollow(RUN);
  client.follow(applied);
  await timers.until("it is live", () => client.status.streams.get(RUN)?.kind === "live");
  server.append(RUN, 1_500);
  await timers.until("more is applied", () => applied.events.length === 3_845);
  const prove = (): Promise<Proven> => client.proveComplete(RUN);
  const head = (seq: bigint) => ({ seq, chainHash: server.chainAt(RUN, seq), receiptId: `rcp_${seq}` });

  assert.deepEqual(await prove(), {
    kind: "complete",
    baseSeq: 0n,
    seq: 3_845n,
    chainHash: server.chainAt(RUN, 3_845n),
    headSeq: 3_845n,
    logged: undefined,
  });
  // Of numbers that this life of the client did not pass it says nothing, and of any that it did, something.
  for (const seq of [2_345n, 2_346n, 3_000n, 3_344n, 3_345n, 3_346n, 3_845n]) {
    logged = [head(9_999n), head(seq), head(100n)];
    const proof = await prove();
    assert.ok(proof.kind === "complete" && proof.logged?.seq === seq, `${seq}: ${proof.kind}`);
  }
  // Events that are told otherwise on a second look prove nothing.
  logged = [head(3_000n)];
  server.faults.answer = (_streamId, events) =>
    events.map((event) => ({ ...event, payloadHash: `${event.payloadHash} ` }));
  const unproven = await prove();
  assert.ok(unproven.kind === "complete" && unproven.logged === undefined);
  server.faults.answer = undefined;
  logged = [{ ...head(3_000n), chainHash: "f".repeat(64) }];
  assert.deepEqual(await prove(), {
    kind: "differs",
    from: "log",
    seq: 3_000n,
    ownChain: server.chainAt(RUN, 3_000n),
    theirChain: "f".repeat(64),
  });
  forgedChain = "e".repeat(64);
  const differs = await prove();
  assert.ok(differs.kind === "differs" && differs.from === "runtime");
  forgedChain = undefined;
  server.cutBack(RUN, 10n);
  assert.deepEqual(await prove(), { kind: "cut_short", seq: 3_845n });
});
