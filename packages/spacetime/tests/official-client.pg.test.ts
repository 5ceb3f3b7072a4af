// Interop: SpacetimeDB's own client, unmodified.

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatQuery } from "@openagents/spacetime";
import { startHarness } from "./harness.ts";
import { connectOfficial, subscribeOfficial } from "./official-client.ts";
import type { Connection } from "./official.ts";
import { until } from "./until.ts";

const STREAM = "runtime.run.run_1.events";
const EVENTS = formatQuery({ table: "sync_event", streamId: STREAM, afterSeq: 1n });
const HEAD = formatQuery({ table: "stream_head", streamId: STREAM });

for (const compression of ["none", "gzip", "brotli"] as const) {
  test(`it subscribes by stream and gets what there is and what comes (${compression})`, async (t) => {
    const sync = await startHarness(t);
    await sync.append(STREAM, 3, { size: 4_000 });
    const token = await sync.token({ streams: [STREAM] });
    const connection = await connectOfficial({ url: sync.url, token, compression });
    t.after(() => connection.disconnect());
    const subscription = await subscribeOfficial(connection, EVENTS, HEAD);
    assert.deepEqual(seqsOf(connection), [2n, 3n]);
    await sync.append(STREAM, 2, { size: 4_000 });
    await sync.announce(STREAM);
    await until(() => seqsOf(connection).length === 4);
    assert.deepEqual(seqsOf(connection), [2n, 3n, 4n, 5n]);
    await until(() => headOf(connection) === 5n);
    const [row] = [...view(connection, "sync_event").iter()];
    assert.deepEqual([row?.["idempotency_key"], row?.["confirmed_read"]], [`${STREAM}:2`, true]);

    await new Promise<void>((resolve) => subscription.unsubscribeThen(resolve));
    assert.equal(view(connection, "sync_event").count(), 0n, "the rows went with their subscription");
  });
}

test("it is refused what its token does not reach, and it cannot append", async (t) => {
  const sync = await startHarness(t);
  await sync.append("runtime.run.run_2.events", 1, { tenant: "org_b" });
  const token = await sync.token({ streams: [STREAM, "runtime.run.*.events"] });
  const connection = await connectOfficial({ url: sync.url, token });
  t.after(() => connection.disconnect());
  const theirs = formatQuery({ table: "sync_event", streamId: "runtime.run.run_2.events", afterSeq: 0n });
  await assert.rejects(subscribeOfficial(connection, theirs), /^Error: forbidden_stream /);
  await assert.rejects(subscribeOfficial(connection, "SELECT * FROM sync_event"), /^Error: bad_query /);
  const append = connection.reducers["appendSyncEvent"];
  assert.ok(append !== undefined);
  await assert.rejects(
    append({
      stream_id: STREAM,
      idempotency_key: "k",
      payload_hash: "sha256:0",
      payload_json: "{}",
      committed_at_unix_ms: 0n,
      durable_offset: 0n,
      confirmed_read: true,
      expected_next_seq: 0n,
    }),
    /append_refused/,
  );
  await subscribeOfficial(connection, EVENTS.replace("seq > 1", "seq > 0"));
  assert.deepEqual(seqsOf(connection), []);
});

test("it sees itself connected, and its checkpoint as it moves", async (t) => {
  const sync = await startHarness(t);
  const token = await sync.token({ streams: [STREAM] });
  const connection = await connectOfficial({ url: sync.url, token });
  t.after(() => connection.disconnect());
  const identityHex = connection.identity.toHexString();
  await subscribeOfficial(
    connection,
    formatQuery({ table: "active_connection", identityHex }),
    formatQuery({ table: "stream_checkpoint", clientId: "usr_1:laptop" }),
  );
  const [self] = [...view(connection, "active_connection").iter()];
  assert.equal(self?.["identity_hex"], identityHex);
  const acknowledge = connection.reducers["ackStreamCheckpoint"];
  assert.ok(acknowledge !== undefined);
  for (const seq of [7n, 3n]) {
    const args = { client_id: "usr_1:laptop", stream_id: STREAM, last_applied_seq: seq, durable_offset: seq };
    await acknowledge(args);
    const [checkpoint] = [...view(connection, "stream_checkpoint").iter()];
    assert.equal(checkpoint?.["last_applied_seq"], 7n, "a checkpoint never moves backwards");
  }
});

test("without a token, or with another's, it does not get in", async (t) => {
  const sync = await startHarness(t);
  await assert.rejects(connectOfficial({ url: sync.url, token: "x".repeat(40) }));
  await assert.rejects(
    connectOfficial({ url: sync.url, token: await sync.token({ audience: "openagents" }) }),
  );
});

function view(connection: Connection, table: string) {
  const found = connection.db[table];
  assert.ok(found !== undefined, table);
  return found;
}

function seqsOf(connection: Connection): unknown[] {
  return [...view(connection, "sync_event").iter()].map((row) => row["seq"]);
}

function headOf(connection: Connection): unknown {
  return [...view(connection, "stream_head").iter()][0]?.["head_seq"];
}
