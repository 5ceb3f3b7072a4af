import assert from "node:assert/strict";
import { test } from "node:test";
import { REDUCERS, SCOPES, encodeBsatn, formatQuery } from "@openagents/spacetime";
import pg from "pg";
import { startHarness } from "./harness.ts";
import type { RawClient } from "./raw-client.ts";
import { until } from "./until.ts";

const OWN = "runtime.run.run_1.events";
const THEIRS = "runtime.run.run_2.events";

test("a family's grant reaches the streams of the token's own organisation only", async (t) => {
  const sync = await startHarness(t);
  await sync.append(OWN);
  await sync.append(THEIRS, 1, { tenant: "org_b" });
  const client = await sync.client({ streams: ["runtime.run.*.events"] });
  await client.follow(OWN);
  await assert.rejects(client.follow(THEIRS), /^Error: forbidden_stream /);
  const head = formatQuery({ table: "stream_head", streamId: THEIRS });
  await assert.rejects(client.query(head), /^Error: forbidden_stream /);
  await assert.rejects(client.subscribe(head), /^Error: forbidden_stream /);
  await assert.rejects(client.follow("runtime.worker.w_1.lifecycle"), /^Error: forbidden_stream /);
  assert.deepEqual(client.seqs(THEIRS), []);
});

test("a stream that turns out to be another organisation's ends its subscription before its first event", async (t) => {
  const sync = await startHarness(t);
  const client = await sync.client({ streams: ["runtime.run.*.events"] });
  await client.follow(THEIRS);
  const own = await client.follow(OWN);
  await sync.append(THEIRS, 2, { tenant: "org_b" });
  await sync.append(OWN, 2);
  await sync.announce(THEIRS, OWN);
  await client.until(() => client.messages.some(({ tag }) => tag === "SubscriptionError"));
  await client.until(() => client.seqs(OWN).length === 2);
  assert.deepEqual(client.seqs(THEIRS), []);
  const ended = client.messages.find(({ tag }) => tag === "SubscriptionError");
  assert.ok(ended?.tag === "SubscriptionError" && ended.value.querySetId.id !== own);
  assert.match(ended.value.error, /^forbidden_stream /);
});

test("a query set with one stream that is not granted gives nothing of the others", async (t) => {
  const sync = await startHarness(t);
  await sync.append(OWN, 3);
  const client = await sync.client({ streams: [OWN] });
  const queries = [OWN, THEIRS].map((streamId) =>
    formatQuery({ table: "sync_event", streamId, afterSeq: 0n }),
  );
  await assert.rejects(client.subscribe(...queries), /^Error: forbidden_stream /);
  assert.deepEqual(client.events(), []);
});

test("what a token lacks a scope for is refused", async (t) => {
  const sync = await startHarness(t);
  await sync.append(OWN);
  const writer = await sync.client({ streams: [OWN], scopes: [SCOPES.writeCheckpoints] });
  await assert.rejects(writer.follow(OWN), /^Error: missing_scope /);
  const reader = await sync.client({ streams: [OWN], scopes: [SCOPES.subscribe] });
  await reader.follow(OWN);
  assert.match(await refusal(reader, "usr_1", OWN), /missing_scope/);
});

test("a client acknowledges for itself only, and sees nobody else's rows", async (t) => {
  const sync = await startHarness(t);
  const client = await sync.client({ streams: [OWN] });
  for (const clientId of ["usr_2", "usr_12:a", "usr_1"]) {
    const text = await refusal(client, clientId, OWN);
    assert.equal(/forbidden_client/.test(text), clientId !== "usr_1", clientId);
  }
  assert.match(await refusal(client, "usr_1", THEIRS), /forbidden_stream/);
  for (const query of [
    formatQuery({ table: "stream_checkpoint", clientId: "usr_2" }),
    formatQuery({ table: "active_connection", identityHex: "c2".repeat(32) }),
    formatQuery({ table: "nostr_presence_claim", identityHex: "c2".repeat(32) }),
  ]) {
    await assert.rejects(client.query(query), /^Error: forbidden_rows /);
    await assert.rejects(client.subscribe(query), /^Error: forbidden_rows /);
  }
});

test("the server's role reads streams, writes nothing, and reads nothing else (INV-06)", async (t) => {
  const sync = await startHarness(t);
  const role = new pg.Client({ connectionString: sync.config.streamsDatabaseUrl });
  await role.connect();
  const { rows } = await role.query<{ name: string; privilege: string }>(
    `SELECT c.oid::regclass::text AS name, p AS privilege
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
            unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
      WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        AND has_table_privilege(c.oid, p) ORDER BY 1, 2`,
  );
  assert.deepEqual(rows, [
    { name: "sync.stream_events", privilege: "SELECT" },
    { name: "sync.stream_heads", privilege: "SELECT" },
  ]);
  await assert.rejects(role.query("CREATE TABLE public.x ()"), /permission denied/);
  await assert.rejects(role.query("DELETE FROM sync.stream_events"), /permission denied/);
  await assert.rejects(
    role.query("SELECT sync.advance_heads('{a}', '{b}', '{1}', '{1}')"),
    /permission denied/,
  );
  await role.end();
});

test("a revoked token, session or person is out, and does not get in again", async (t) => {
  const sync = await startHarness(t);
  const revocations = "control.revocations";
  const revoke = async (by: string, value: string) => {
    await sync.appendPayload(revocations, "access.revoked", { by, value });
    await sync.announce(revocations);
  };
  for (const [by, options] of [
    ["jti", { jti: "token_1" }],
    ["sid", { sid: "ses_9" }],
    ["sub", { sub: "usr_9" }],
  ] as const) {
    const token = await sync.token({ ...options, streams: [OWN] });
    const client = await sync.client({ ...options, streams: [OWN] });
    await client.follow(OWN);
    const other = await sync.client({ streams: [OWN] });
    await revoke(by, Object.values(options)[0] ?? "");
    assert.deepEqual(await client.untilClosed(), { code: 4403, reason: "token_revoked" });
    if (by !== "jti") await assert.rejects(sync.connect(token), /refused 401/);
    assert.equal(other.closed, undefined);
  }
  const late = await sync.startServer();
  await assert.rejects(sync.connect(await sync.token({ sid: "ses_9" }), late.url), /refused 401/);
});

test("nobody new gets in while the server cannot know who is revoked", async (t) => {
  let nowMs = Date.now();
  const sync = await startHarness(t, { nowMs: () => nowMs });
  const token = await sync.token({ ttlS: 300 });
  await sync.connect(token);
  const role = new URL(sync.config.streamsDatabaseUrl).username;
  await sync.admin(`REVOKE SELECT ON sync.stream_heads FROM ${role}`);
  nowMs += 5_000;
  await assert.rejects(sync.connect(token), /refused 503/);
  await sync.admin(`GRANT SELECT ON sync.stream_heads TO ${role}`);
  await until(() =>
    sync.connect(token).then(
      () => true,
      () => false,
    ),
  );
});

async function refusal(client: RawClient, clientId: string, streamId: string): Promise<string> {
  const args = { client_id: clientId, stream_id: streamId, last_applied_seq: 1n, durable_offset: 1n };
  const result = await client.call(
    "ack_stream_checkpoint",
    encodeBsatn(REDUCERS.ack_stream_checkpoint.args, args),
  );
  return result.tag === "Err" ? Buffer.from(result.value).toString() : "";
}
