import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Server, createServer, type ListenOptions } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Revocations, Streams, Treasury, createClient } from "@openagents/contracts";
import { urlFor } from "@openagents/postgres";
import { silentLogger } from "@openagents/service";
import { memoryCheckpoints, runtimeReaders, startSyncClient, type StreamBatch } from "@openagents/spacetime";
import { CHAIN_START, chainStream, hashPayload, payloadText, streamId } from "@openagents/streams";
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

test("a chosen port that another process takes before we listen costs another choice, not the start", async (t) => {
  const other = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(other, "listening");
  t.after(() => other.close());
  // oxlint-disable-next-line typescript/unbound-method -- called with its server below
  const { listen } = Server.prototype;
  const stolen: number[] = [];
  t.mock.method(
    Server.prototype,
    "listen",
    function (this: Server, options: ListenOptions, whenListening?: () => void) {
      const isService = options.port !== 0 && stolen.length < 3;
      if (isService) stolen.push(options.port ?? 0);
      return listen.call(this, isService ? { ...options, port: portOf(other) } : options, whenListening);
    },
  );
  const stack = await stackOf(t);
  assert.equal(stolen.length, 3);
  const ports = [stack.record.runtimeUrl, stack.record.syncUrl, stack.record.controlUrl].map(
    (url) => new URL(url).port,
  );
  assert.equal(new Set([...ports, ...stolen.map(String), String(portOf(other))]).size, 7);
  const answers = [stack.record.runtimeUrl, stack.record.controlUrl].map((url) => fetch(`${url}/readyz`));
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
});

function portOf(server: Server): number {
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return address.port;
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
  assert.ok(
    adminUrl !== undefined,
    "this asks the shared server of a test run; start-test-postgres starts one",
  );
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

test("no service's roles can open another's database (INV-04, INV-05)", async (t) => {
  const adminUrl = process.env["OPENAGENTS_TEST_POSTGRES"];
  assert.ok(adminUrl !== undefined, "this knocks at the shared server of a test run");
  const { keys } = await stackOf(t);
  const passwords = {
    runtime: { owner: keys.databaseOwnerPassword, app: keys.databaseAppPassword },
    control: { owner: keys.control.databasePassword, app: keys.control.databasePassword },
    sync: { owner: keys.databaseSyncPassword, app: keys.databaseSyncPassword },
  };
  const nameOf = (service: string) => `openagents_${service}_${keys.localId}`;
  const open = async (database: string, role: string, password: string) => {
    const client = new pg.Client({ connectionString: urlFor(adminUrl, database, { role, password }) });
    await client.connect();
    await client.end();
  };
  for (const [service, { owner, app }] of Object.entries(passwords)) {
    for (const [kind, password] of [
      ["owner", owner],
      ["app", app],
    ] as const) {
      const role = `${nameOf(service)}_${kind}`;
      await open(nameOf(service), role, password);
      for (const other of Object.keys(passwords).filter((each) => each !== service)) {
        await assert.rejects(
          open(nameOf(other), role, password),
          /permission denied for database/,
          `${role} opened the database of ${other}`,
        );
      }
    }
  }
});

test("revoked access ends its live session, and lets it in no more", async (t) => {
  const stack = await stackOf(t);
  const ended = Promise.withResolvers<string>();
  const client = startSyncClient({
    url: stack.record.syncUrl,
    checkpoints: memoryCheckpoints(),
    token: async () => {
      const nowMs = Date.now();
      const token = await mintSyncToken(stack.keys, { streams: [streamId("stats")] }, nowMs);
      return { token, expiresAtMs: nowMs + 300_000 };
    },
    onStatus({ connection, streams }) {
      if (streams.get(streamId("stats"))?.kind === "live") live.resolve();
      if (connection.kind === "backoff") ended.resolve(connection.reason);
    },
  });
  const live = Promise.withResolvers<void>();
  t.after(() => client.stop());
  client.follow({ streamId: streamId("stats"), apply: () => undefined });
  await live.promise;
  const control = { baseUrl: stack.record.controlUrl, token: () => stack.mintToken() };
  const { sub } = localOwner(stack.keys);
  const askedAtMs = performance.now();
  await createClient(Revocations, control).revokeTokens({ by: "sub", value: sub, reason: "test" });
  assert.match(await ended.promise, /token_revoked/);
  t.diagnostic(
    `the session ended ${(performance.now() - askedAtMs).toFixed(0)} ms after the command was sent`,
  );
});

test("a client whose next events are not kept any more starts from the runtime's snapshot, and misses nothing after it", async (t) => {
  const adminUrl = process.env["OPENAGENTS_TEST_POSTGRES"];
  assert.ok(
    adminUrl !== undefined,
    "this writes into the shared server of a test run; start-test-postgres starts one",
  );
  const stack = await stackOf(t);
  const { org } = localOwner(stack.keys);
  const stream = streamId("fleet_guest", "wrk_1");
  const database = new URL(adminUrl);
  database.pathname = `/openagents_runtime_${stack.keys.localId}`;
  const db = new pg.Client({ connectionString: database.href });
  await db.connect();
  t.after(() => db.end());
  let head = 0;
  let chain = CHAIN_START;
  const append = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      head += 1;
      const payload = payloadText("worker.said", 1_767_225_600_000, { n: head });
      chain = chainStream(chain, BigInt(head), hashPayload(payload));
      await db.query(
        `INSERT INTO sync.stream_heads AS h VALUES ($1, $2, 1, 0, 3, 1)
         ON CONFLICT (stream_id) DO UPDATE SET head_seq = h.head_seq + 1`,
        [stream, org],
      );
      await db.query("INSERT INTO sync.stream_events VALUES ($1, $2, $3, $4, 1)", [
        stream,
        head,
        hashPayload(payload),
        payload,
      ]);
    }
    await db.query("INSERT INTO sync.stream_chains VALUES ($1, $2, $3, 'test')", [stream, head, chain]);
  };
  await append(6);
  const chainAtSix = chain;
  await append(4);
  const runtime = { baseUrl: stack.record.runtimeUrl, token: () => stack.mintToken() };
  assert.equal((await createClient(Streams, runtime).trimStream({ streamId: stream })).trimmed, 6n);

  const applied: bigint[] = [];
  let installedAt: bigint | undefined;
  const reached = Promise.withResolvers<void>();
  const client = startSyncClient({
    ...runtimeReaders(runtime),
    url: stack.record.syncUrl,
    // Where it was when it went away: behind an event that is gone since.
    checkpoints: {
      load: async () => ({ streamId: stream, seq: 3n, chainHash: chainAtSix, baseSeq: 3n }),
      save: async () => undefined,
    },
    token: async () => {
      const nowMs = Date.now();
      return {
        token: await mintSyncToken(stack.keys, { streams: [stream] }, nowMs),
        expiresAtMs: nowMs + 300_000,
      };
    },
    onStatus({ streams }) {
      const state = streams.get(stream);
      if (state?.kind === "live" && state.seq === 12n) reached.resolve();
    },
  });
  t.after(() => client.stop());
  client.follow({
    streamId: stream,
    apply({ events }) {
      applied.push(...events.map(({ seq }) => seq));
    },
    install({ seq }) {
      installedAt = seq;
      void append(2);
    },
  });
  await reached.promise;
  assert.equal(installedAt, 10n);
  assert.deepEqual(applied, [11n, 12n]);
  const proof = await client.proveComplete(stream);
  assert.deepEqual([proof.kind, proof.seq], ["complete", 12n]);
});
