import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Treasury, createClient } from "@openagents/contracts";
import { urlFor } from "@openagents/postgres";
import { silentLogger } from "@openagents/service";
import { memoryCheckpoints, startSyncClient, type StreamBatch } from "@openagents/spacetime";
import { streamId } from "@openagents/streams";
import pg from "pg";
import { startStack, type Stack } from "./stack.ts";
import { localOwner, mintSyncToken } from "./tokens.ts";

async function stackOf(t: TestContext): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "oa-stack-"));
  const stack = await startStack({
    dataDir: join(folder, "stack"),
    home: folder,
    portBase: 0,
    databaseUrl: process.env["OPENAGENTS_TEST_POSTGRES"],
    version: "test",
    log: silentLogger(),
  });
  t.after(async () => {
    await stack.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return stack;
}

test("what a command does reaches whoever follows its stream", async (t) => {
  const stack = await stackOf(t);
  const { org } = localOwner(stack.keys);
  const treasury = streamId("treasury", org);
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const client = startSyncClient({
    url: stack.record.syncUrl,
    checkpoints: memoryCheckpoints(),
    token: async () => {
      const nowMs = Date.now();
      const token = await mintSyncToken(stack.keys, { streams: [treasury] }, nowMs);
      return { token, expiresAtMs: nowMs + 300_000 };
    },
  });
  t.after(() => client.stop());
  client.follow({
    streamId: treasury,
    apply: ({ events }: StreamBatch) => {
      for (const event of events) seen.push(String(JSON.parse(event.payload).kind));
      if (seen.length > 0) resolve();
    },
  });
  const runtime = { baseUrl: stack.record.runtimeUrl, token: () => stack.mintToken() };
  await createClient(Treasury, runtime).grantDemoCredit({ amountMsats: 1_000n, memo: "test" });
  await promise;
  assert.deepEqual(seen, ["openagents.treasury.demo_grant.v1"]);
});

test("the sync server's role can read streams, write nothing, and read nothing else of the runtime's (INV-06)", async (t) => {
  const adminUrl = process.env["OPENAGENTS_TEST_POSTGRES"];
  if (adminUrl === undefined) return t.skip("asks the shared server of a test run");
  const stack = await stackOf(t);
  const { localId, databaseSyncPassword: password } = stack.keys;
  const reader = { role: `openagents_sync_${localId}_reader`, password };
  const client = new pg.Client({
    connectionString: urlFor(adminUrl, `openagents_runtime_${localId}`, reader),
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%s %s', p, c.oid::regclass) AS name
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
              unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
        WHERE c.relkind IN ('r', 'p', 'v', 'm')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
          AND (has_table_privilege(c.oid, p)
               OR p IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege(c.oid, p))
        ORDER BY 1`,
    );
    assert.deepEqual(
      rows.map(({ name }) => name),
      ["SELECT sync.stream_events", "SELECT sync.stream_heads"],
    );
    for (const statement of [
      "CREATE TABLE x ()",
      "CREATE SCHEMA x",
      "INSERT INTO sync.stream_events VALUES ('a', 1, '', '', 0)",
      "SELECT sync.advance_heads('{a}', '{b}', '{1}', '{1}')",
    ]) {
      await assert.rejects(client.query(statement), /permission denied/, statement);
    }
  } finally {
    await client.end();
  }
});
