import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness } from "./harness.ts";

const STREAMS = ["runtime.run.run_1.events", "runtime.run.run_2.events", "runtime.stats"];

test("every subscriber's log is the stream, on two servers, while many write and some come later", async (t) => {
  const sync = await startHarness(t, { limits: { recentEvents: 20 } });
  const second = await sync.startServer();
  const early = await Promise.all([...clientsOf(sync, sync.url, 6), ...clientsOf(sync, second.url, 6)]);
  for (const client of early) for (const streamId of STREAMS) await client.follow(streamId);

  const late: typeof early = [];
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let round = 0; round < 15; round++) {
      const streamId = STREAMS[(writer + round) % STREAMS.length] ?? "";
      await sync.append(streamId, 1 + ((writer * round) % 4));
      // Some are announced, some late, some never.
      if ((writer + round) % 3 !== 0) await sync.announce(streamId);
      if (writer === 0 && round % 5 === 0) {
        const [client] = await Promise.all(clientsOf(sync, round % 2 === 0 ? sync.url : second.url, 1));
        if (client === undefined) continue;
        for (const each of STREAMS) await client.follow(each);
        late.push(client);
      }
    }
  });
  await Promise.all(writers);

  const heads = await sync.db.query<{ id: string; head: bigint }>({
    name: "",
    text: "SELECT stream_id AS id, head_seq AS head FROM sync.stream_heads",
  });
  assert.equal(heads.length, STREAMS.length);
  for (const { id, head } of heads) {
    const whole = Array.from({ length: Number(head) }, (_, index) => BigInt(index + 1));
    for (const client of [...early, ...late]) {
      await client.until(() => client.seqs(id).length >= whole.length);
      assert.deepEqual(client.seqs(id), whole);
    }
  }
});

test("connections to the database that are cut all the time cost time, and no event", async (t) => {
  const sync = await startHarness(t);
  const [streamId = ""] = STREAMS;
  const clients = await Promise.all(clientsOf(sync, sync.url, 4));
  for (const client of clients) await client.follow(streamId);
  for (let round = 0; round < 12; round++) {
    const appending = sync.append(streamId, 5);
    await sync.admin(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'openagents_sync' AND datname = current_database()",
    );
    await appending;
    await sync.announce(streamId);
  }
  const whole = Array.from({ length: 60 }, (_, index) => BigInt(index + 1));
  for (const client of clients) {
    await client.until(() => client.seqs(streamId).length >= whole.length);
    assert.deepEqual(client.seqs(streamId), whole);
  }
});

function clientsOf(sync: Awaited<ReturnType<typeof startHarness>>, url: string, count: number) {
  return Array.from({ length: count }, (_, index) =>
    sync.client({
      streams: STREAMS,
      url,
      protocol: index % 2 === 0 ? "v3.bsatn.spacetimedb" : "v2.bsatn.spacetimedb",
      compression: (["none", "gzip", "brotli"] as const)[index % 3] ?? "none",
    }),
  );
}
