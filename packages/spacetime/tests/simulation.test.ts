// Minutes of trouble in memory, drawn by seed, in time that a test moves: what
// a whole network does to a client, hundreds of times in a few seconds. However
// it went, when all is well again each event was applied once and in order.
//
// One seed again: SIMULATION_SEED=17 node --test tests/simulation.test.ts

import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamEvent } from "@openagents/streams";
import { seededRandom } from "@openagents/testing";
import { startSyncClient, type Checkpoint, type SyncClient } from "../src/client/index.ts";
import { manualTimers } from "./manual-timers.ts";
import { createToyServer, eventOf } from "./toy-server.ts";

const SEEDS = 50;
const STEPS = 60;
const STREAMS = ["runtime.run.run_1.events", "runtime.run.run_2.events"] as const;

type Action = (streamId: string) => void | Promise<void>;

const only = process.env["SIMULATION_SEED"];
const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, seed) => seed) : [Number(only)];

test("whatever a network, a server and deaths do: each event is applied once, in order", async () => {
  for (const seed of seeds) {
    try {
      await simulate(seed);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }
});

async function simulate(seed: number): Promise<void> {
  const { below, pick, unit } = seededRandom(seed);
  const timers = manualTimers();
  const server = createToyServer();
  /** What lives of clients share: effects, and the checkpoint in the same transaction. */
  const effects = new Map<string, StreamEvent[]>();
  const checkpoints = new Map<string, Checkpoint>();
  let client = live();

  function live(): { readonly client: SyncClient; die(): Promise<void> } {
    let dead = false;
    const started = startSyncClient({
      url: "http://sync.test",
      token: () => Promise.resolve({ token: "token", expiresAtMs: timers.nowMs() + 40_000 }),
      checkpoints: { savedBy: "handler", load: (streamId) => Promise.resolve(checkpoints.get(streamId)) },
      readSnapshot(streamId) {
        const seq = server.log(streamId).at(-1)?.seq ?? 0n;
        const state = server.log(streamId);
        return Promise.resolve({ streamId, seq, chainHash: server.chainAt(streamId, seq), state });
      },
      timers,
      random: unit,
      openSocket: server.openSocket,
      fetch: server.fetch,
    });
    for (const streamId of STREAMS) {
      started.follow({
        streamId,
        async apply({ events, checkpoint }) {
          const late = unit() < 0.3;
          if (late) await Promise.resolve();
          if (dead || unit() < 0.05) throw new Error("before the commit");
          effects.set(streamId, [...(effects.get(streamId) ?? []), ...events]);
          checkpoints.set(streamId, checkpoint);
          if (unit() < 0.05) throw new Error("after the commit");
        },
        install(snapshot, checkpoint) {
          if (dead) throw new Error("dead");
          effects.set(streamId, server.log(streamId).slice(0, Number(snapshot.seq)));
          checkpoints.set(streamId, checkpoint);
        },
      });
    }
    return {
      client: started,
      die() {
        dead = true;
        return started.stop();
      },
    };
  }

  function deliverOldNews(streamId: string, spoil: (events: StreamEvent[]) => StreamEvent[]): void {
    const log = server.log(streamId);
    const from = below(log.length + 1);
    const events = spoil(log.slice(from, from + 1 + below(5)));
    if (events.length > 0) server.connections.at(-1)?.deliver(streamId, events);
  }

  const actions: readonly [Action, ...Action[]] = [
    (streamId) => server.append(streamId, 1 + below(20)),
    (streamId) => server.append(streamId, 1 + below(3)),
    (streamId) => server.append(streamId, below(900)),
    () => server.connections.at(-1)?.close(1006, ""),
    () => server.connections.at(below(server.connections.length))?.close(4401, "token_expired"),
    () => void (server.faults.silent = !server.faults.silent),
    () => void (server.faults.mute = !server.faults.mute),
    () => void (server.faults.unreachable = !server.faults.unreachable),
    () => void (server.faults.rowsMax = 30 + below(3_000)),
    (streamId) => deliverOldNews(streamId, (events) => events),
    (streamId) => deliverOldNews(streamId, (events) => events.toReversed()),
    (streamId) => deliverOldNews(streamId, (events) => events.map((event) => ({ ...event, payload: "{}" }))),
    (streamId) => server.connections.at(-1)?.deliver(streamId, [eventOf(streamId, 1_000_000)]),
    // Lost on the way: delivered by nobody, until it is asked for.
    (streamId) => {
      const { silent } = server.faults;
      server.faults.silent = true;
      server.append(streamId, 1 + below(3));
      server.faults.silent = silent;
    },
    (streamId) => {
      const applied = checkpoints.get(streamId)?.seq ?? 0n;
      const head = server.log(streamId).length;
      if (unit() < 0.3) server.trim(streamId, BigInt(Math.max(0, head - below(50))));
      else server.trim(streamId, applied);
    },
    () => {
      const spoiled = unit() < 0.5;
      server.faults.answer = spoiled ? (_streamId, events) => events.slice(0, -1) : undefined;
    },
    async () => {
      await client.die();
      client = live();
    },
  ];

  for (let step = 0; step < STEPS; step++) {
    await pick(actions)(pick(STREAMS));
    await timers.advance(below(4) === 0 ? below(9_000) : below(60));
  }

  Object.assign(server.faults, {
    silent: false,
    mute: false,
    unreachable: false,
    answer: undefined,
    rowsMax: 20_000,
  });
  for (const streamId of STREAMS) server.append(streamId, 1);
  await timers.advance(60_000);
  for (const streamId of STREAMS) {
    const log = server.log(streamId);
    const last = BigInt(log.length);
    await timers.advance(checkpoints.get(streamId)?.seq === last ? 0 : 60_000);
    const states = JSON.stringify([...client.client.status.streams], (_key, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    assert.equal(checkpoints.get(streamId)?.seq, last, states);
    const applied = effects.get(streamId) ?? [];
    assert.equal(applied.length, log.length);
    for (const [index, event] of applied.entries()) assert.equal(event.payload, log[index]?.payload);
    assert.equal(checkpoints.get(streamId)?.chainHash, server.chainAt(streamId, last));
  }
  await client.client.stop();
  assert.ok(server.connections.every(({ open }) => !open));
}
