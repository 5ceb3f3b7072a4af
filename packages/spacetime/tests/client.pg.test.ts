// The client and the server together, over real sockets and a real database.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { memoryCheckpoints, startSyncClient, type SyncClientOptions } from "@openagents/spacetime";
import { CHAIN_START, chainStream, type StreamEvent } from "@openagents/streams";
import { startTcpProxy } from "@openagents/testing";
import { startHarness, type Harness } from "./harness.ts";
import { until } from "./until.ts";

const RUN = "runtime.run.run_1.events";

function follow(
  t: TestContext,
  harness: Harness,
  url: string,
  more: Partial<SyncClientOptions> & { readonly ttlS?: number } = {},
) {
  const { ttlS = 300, ...options } = more;
  const reasons = new Set<string>();
  const client = startSyncClient({
    url,
    async token() {
      // Tokens count in whole seconds.
      const issuedAtS = Math.floor(Date.now() / 1_000);
      return {
        token: await harness.token({ streams: [RUN], ttlS }),
        expiresAtMs: (issuedAtS + ttlS) * 1_000,
      };
    },
    checkpoints: memoryCheckpoints(),
    onStatus({ connection }) {
      if (connection.kind === "backoff") reasons.add(connection.reason);
    },
    ...options,
  });
  t.after(() => client.stop());
  const applied: StreamEvent[] = [];
  client.follow({
    streamId: RUN,
    apply({ events }) {
      applied.push(...events);
    },
  });
  return { client, applied, reasons };
}

type Row = { readonly seq: bigint; readonly payload_hash: string; readonly payload: string };

/** Each event once, in order, as the database has them. */
async function assertWhole(harness: Harness, applied: readonly StreamEvent[]): Promise<string> {
  const text = "SELECT seq, payload_hash, payload FROM sync.stream_events WHERE stream_id = $1 ORDER BY seq";
  const rows = await harness.db.query<Row>({ name: "test.log", text }, [RUN]);
  assert.deepEqual(
    applied.map(({ seq, payloadHash, payload }) => `${seq} ${payloadHash} ${payload}`),
    rows.map(({ seq, payload_hash, payload }) => `${seq} ${payload_hash} ${payload}`),
  );
  return applied.reduce((chain, { seq, payloadHash }) => chainStream(chain, seq, payloadHash), CHAIN_START);
}

test("history in pages, then news as it is announced", async (t) => {
  const harness = await startHarness(t);
  await harness.append(RUN, 12_000);
  const { client, applied } = follow(t, harness, harness.url);
  await until(() => applied.length === 12_000);
  await until(() => client.status.streams.get(RUN)?.kind === "live");
  for (let round = 0; round < 20; round++) {
    await harness.append(RUN, 3);
    await harness.announce(RUN);
  }
  await until(() => applied.length === 12_060);
  await assertWhole(harness, applied);
});

test("two servers behind one address: a client that is led from one to the other misses nothing and gets nothing twice", async (t) => {
  const harness = await startHarness(t);
  const other = await harness.startServer();
  const ports = [harness.url, other.url].map((url) => Number(new URL(url).port));
  await using proxy = await startTcpProxy(ports[0] ?? 0);
  const { applied, reasons } = follow(t, harness, proxy.url);
  let appended = 0;
  for (let move = 1; move <= 6; move++) {
    for (let round = 0; round < 10; round++) {
      await harness.append(RUN, 7);
      await harness.announce(RUN);
      appended += 7;
    }
    await until(() => applied.length > appended - 60);
    proxy.leadTo(ports[move % 2] ?? 0);
    proxy.cut();
  }
  await until(() => applied.length === appended);
  await assertWhole(harness, applied);
  assert.deepEqual([...reasons], ["connection_lost"]);
});

test("a server that drains sends its clients to the other one", async (t) => {
  const harness = await startHarness(t);
  const [first, second] = [await harness.startServer(), await harness.startServer()];
  await using proxy = await startTcpProxy(Number(new URL(first.url).port));
  const { client, applied, reasons } = follow(t, harness, proxy.url);
  await harness.append(RUN, 5);
  await until(() => applied.length === 5);
  proxy.leadTo(Number(new URL(second.url).port));
  await first.server[Symbol.asyncDispose]();
  await harness.append(RUN, 5);
  await until(() => applied.length === 10);
  assert.deepEqual([...reasons], ["service_restart"]);
  assert.equal(client.status.connection.kind, "live");
  await assertWhole(harness, applied);
});

test("sessions that are renewed again and again before their tokens end are never lost", async (t) => {
  const harness = await startHarness(t);
  const { applied, reasons } = follow(t, harness, harness.url, { ttlS: 4 });
  const endMs = performance.now() + 9_000;
  let appended = 0;
  while (performance.now() < endMs) {
    await harness.append(RUN, 2);
    await harness.announce(RUN);
    appended += 2;
    await delay(20);
  }
  await until(() => applied.length === appended);
  await assertWhole(harness, applied);
  assert.deepEqual([...reasons], []);
});

test("what the client's own chain says is what the database's events say, with gzip as well", async (t) => {
  const harness = await startHarness(t);
  await harness.append(RUN, 3_000);
  const checkpoints = memoryCheckpoints();
  const { client, applied } = follow(t, harness, harness.url, { checkpoints, compression: "Gzip" });
  await until(() => applied.length === 3_000);
  await client.stop();
  assert.equal((await checkpoints.load(RUN))?.chainHash, await assertWhole(harness, applied));
});
