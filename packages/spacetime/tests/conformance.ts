// What any server of the lane does, ours or a real SpacetimeDB with the module
// `autopilot-sync`: asked by SpacetimeDB's own client.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { MODULE_NAME, REDUCERS, TABLES, formatQuery } from "@openagents/spacetime";
import { connectOfficial, subscribeOfficial } from "./official-client.ts";
import type { Connection } from "./official.ts";
import { until } from "./until.ts";

export type Target = {
  readonly url: string;
  /** Of a client who is granted `stream` and not `stranger`. */
  readonly token: string;
  readonly stream: string;
  readonly stranger: string;
  /** What the client's ids begin with. */
  readonly clientIdOf: (identityHex: string) => string;
  /** As whoever publishes: the next `count` events of a stream. */
  append(stream: string, count: number): Promise<void>;
};

/** Each rule that a client may rely on, whoever serves it. */
export const RULES: readonly (readonly [string, (t: TestContext, target: Target) => Promise<void>])[] = [
  ["the schema names the lane's tables and reducers", schemaIsWhole],
  ["a subscription gets the rows that there are, then each that comes, in order", followsInOrder],
  ["nothing of a stream that is not granted is seen", strangersStayUnseen],
  ["a client cannot append", clientsCannotAppend],
  ["a checkpoint never moves backwards", checkpointsOnlyAdvance],
];

async function schemaIsWhole(_t: TestContext, { url, token }: Target): Promise<void> {
  const response = await fetch(`${url}/v1/database/${MODULE_NAME}/schema?version=9`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(response.status, 200);
  const text = await response.text();
  for (const name of [...Object.keys(TABLES), ...Object.keys(REDUCERS)]) assert.ok(text.includes(name), name);
}

async function followsInOrder(t: TestContext, target: Target): Promise<void> {
  const { stream } = target;
  await target.append(stream, 3);
  const connection = await connected(t, target);
  const before = await stored(connection, stream);
  await target.append(stream, 4);
  await until(() => rowsOf(connection, stream).length === before.length + 4);
  const seqs = rowsOf(connection, stream);
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => BigInt(index + 1)),
  );
}

async function strangersStayUnseen(t: TestContext, target: Target): Promise<void> {
  await target.append(target.stranger, 2);
  const connection = await connected(t, target);
  // Refused by name, or applied without a row: both tell nothing.
  const query = formatQuery({ table: "sync_event", streamId: target.stranger, afterSeq: 0n });
  await subscribeOfficial(connection, query).catch(() => undefined);
  await stored(connection, target.stream);
  assert.deepEqual(rowsOf(connection, target.stranger), []);
}

async function clientsCannotAppend(t: TestContext, target: Target): Promise<void> {
  const connection = await connected(t, target);
  const append = connection.reducers["appendSyncEvent"];
  assert.ok(append !== undefined);
  const event = {
    stream_id: target.stream,
    idempotency_key: `${target.stream}:forged`,
    payload_hash: "sha256:0",
    payload_json: "{}",
    committed_at_unix_ms: 0n,
    durable_offset: 0n,
    confirmed_read: true,
    expected_next_seq: 0n,
  };
  await assert.rejects(append(event), /append_refused/);
}

async function checkpointsOnlyAdvance(t: TestContext, target: Target): Promise<void> {
  const connection = await connected(t, target);
  const clientId = target.clientIdOf(connection.identity.toHexString());
  await subscribeOfficial(connection, formatQuery({ table: "stream_checkpoint", clientId }));
  const acknowledge = connection.reducers["ackStreamCheckpoint"];
  assert.ok(acknowledge !== undefined);
  for (const seq of [2n, 1n]) {
    const row = { client_id: clientId, stream_id: target.stream, last_applied_seq: seq, durable_offset: seq };
    await acknowledge(row);
    const [checkpoint] = [...view(connection, "stream_checkpoint").iter()];
    assert.equal(checkpoint?.["last_applied_seq"], 2n);
  }
}

async function connected(t: TestContext, { url, token }: Target): Promise<Connection> {
  const connection = await connectOfficial({ url, token });
  t.after(() => connection.disconnect());
  return connection;
}

/** Subscribe from the first event on, and answer what is there. */
async function stored(connection: Connection, stream: string): Promise<unknown[]> {
  await subscribeOfficial(connection, formatQuery({ table: "sync_event", streamId: stream, afterSeq: 0n }));
  return rowsOf(connection, stream);
}

function rowsOf(connection: Connection, stream: string): unknown[] {
  return [...view(connection, "sync_event").iter()]
    .filter((row) => row["stream_id"] === stream)
    .map((row) => row["seq"]);
}

function view(connection: Connection, table: string) {
  const found = connection.db[table];
  assert.ok(found !== undefined, table);
  return found;
}
