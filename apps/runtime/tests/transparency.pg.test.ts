// The transparency log: nothing that commits is missed, nothing is logged twice,
// and what is published is one tree to a verifier that shares no code with it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { listOffered } from "@openagents/authority";
import { connect, statement, type Database, type OpenTx, type Queryable } from "@openagents/postgres";
import { MIGRATIONS } from "@openagents/runtime";
import {
  leafOf,
  readCheckpoint,
  readPublishedLog,
  rootByPath,
  testDatabase,
  treeHash,
} from "@openagents/testing";
import { sequencePage } from "../src/transparency/index.ts";
import { getLastHead } from "../src/transparency/store.ts";
import { startHarness, type Harness } from "./harness.ts";

const NOW = 1_790_000_000_000;

test("what the running service publishes is one tree, entry for entry, and each earlier head is its beginning", async (t) => {
  const runtime = await startHarness(t);
  const key = (await runtime.get("/internal/v1/log")).json.log_key;
  const empty = readCheckpoint((await runtime.get("/log/checkpoint")).text, key);
  assert.deepEqual([empty.origin, empty.size], ["log.example/test", 0]);

  const service = await runtime.token({ sub: "svc_wallet" });
  const handed = Array.from({ length: 700 }, (_, at) => hashOf(`handed over ${at}`));
  const heads = [empty];
  const receiptIds: string[] = [];
  for (let step = 0; step < 3; step += 1) {
    const batch = handed.slice(step * 300, (step + 1) * 300);
    const added = await runtime.post("/internal/v1/log/hashes", { hashes: batch }, { token: service });
    assert.deepEqual([added.status, added.json.added], [200, batch.length], added.text);
    receiptIds.push((await grant(runtime)).receipt_id);
    // Waits until it is logged.
    await runtime.get(`/internal/v1/receipts/${receiptIds.at(-1)}`);
    heads.push(readCheckpoint((await runtime.get("/log/checkpoint")).text, key));
  }
  const last = heads.at(-1) ?? assert.fail();
  assert.equal(last.size, handed.length + receiptIds.length);
  const leaves = await readPublishedLog(last.size, last.root, (path) => readBytes(runtime, `/log/${path}`));
  const expected = [...handed, ...(await Promise.all(receiptIds.map((id) => receiptHash(runtime, id))))];
  assert.deepEqual(
    leaves.map((leaf) => leaf.toString("hex")).toSorted(),
    expected.map((hash) => leafOf(Buffer.from(hash, "hex")).toString("hex")).toSorted(),
  );
  for (const head of heads) assert.deepEqual(head.root, treeHash(leaves.slice(0, head.size)));
  const metrics = (await runtime.get("/metrics")).text;
  assert.match(metrics, new RegExp(`openagents_log_entries\\{[^}]*\\} ${last.size}\n`));
  assert.match(metrics, /openagents_log_lag_seconds\{/);
});

test("a receipt comes with the proof of its place, the same for ever, and other tenants see none", async (t) => {
  const runtime = await startHarness(t);
  const first = await grant(runtime);
  const path = `/internal/v1/receipts/${first.receipt_id}`;
  const answer = await runtime.get(path);
  const { receipt, inclusion } = answer.json;
  const head = readCheckpoint(inclusion.checkpoint, inclusion.log_key);
  const hashes = inclusion.hashes.map((hash: string) => Buffer.from(hash, "hex"));
  const leaf = leafOf(Buffer.from(receipt.canonical_json_sha256, "hex"));
  assert.deepEqual(rootByPath(inclusion.log_index, head.size, leaf, hashes), head.root);
  const inclusionOf = (hash: string) => runtime.get(`/internal/v1/log/inclusions/${hash}`, { token: "" });
  assert.deepEqual((await inclusionOf(receipt.canonical_json_sha256)).json, inclusion);
  assert.equal((await inclusionOf("0".repeat(64))).json.code, "hash_not_logged");
  const second = await grant(runtime);
  await runtime.get(`/internal/v1/receipts/${second.receipt_id}`);
  assert.equal((await runtime.get(path)).text, answer.text);
  const stranger = await runtime.token({ org: "org_b" });
  assert.equal((await runtime.get(path, { token: stranger })).status, 404);

  await runtime.stop();
  const again = await startHarness(t, { databaseUrl: runtime.databaseUrl });
  assert.equal((await again.get(path)).text, answer.text);
});

test("tiles are there as far as the log reaches, for ever, and under one name each", async (t) => {
  const runtime = await startHarness(t);
  const service = await runtime.token({ sub: "svc_wallet" });
  const hand = async (from: number, to: number) => {
    const hashes = Array.from({ length: to - from }, (_, at) => hashOf(`tile ${from + at}`));
    await runtime.post("/internal/v1/log/hashes", { hashes }, { token: service });
    await untilSize(runtime, to);
  };
  await hand(0, 200);
  const partial = await readBytes(runtime, "/log/tile/0/000.p/200");
  assert.equal(partial.length, 200 * 32);
  for (const path of [
    "0/000",
    "0/000.p/201",
    "0/001.p/1",
    "1/000.p/1",
    "entries/000",
    "entries/000.p/201",
    "63/000.p/1",
    "0/000.p/0",
    "64/000.p/1",
    "0/000.p/256",
  ])
    assert.equal((await runtime.get(`/log/tile/${path}`)).status, 404, path);
  for (const path of ["0/0", "0/x000/", "data/000", "", "0/000.p/", "0/000.q/1"])
    assert.equal((await runtime.get(`/log/tile/${path}`)).status, 400, path);
  assert.equal((await runtime.post("/log/tile/0/000.p/1", {})).status, 405);

  await hand(200, 300);
  assert.deepEqual(await readBytes(runtime, "/log/tile/0/000.p/200"), partial);
  const full = await fetch(`${runtime.url}/log/tile/0/000`);
  assert.equal(full.headers.get("content-type"), "application/octet-stream");
  assert.match(full.headers.get("cache-control") ?? "", /max-age=31536000, immutable/);
  assert.equal((await full.arrayBuffer()).byteLength, 8192);
  assert.equal((await readBytes(runtime, "/log/tile/entries/001.p/44")).length, 44 * 34);
  const checkpoint = await fetch(`${runtime.url}/log/checkpoint`);
  assert.equal(checkpoint.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(checkpoint.headers.get("cache-control"), "public, max-age=1");
});

test("only services hand over, and each hash enters once, also when it is a receipt of ours", async (t) => {
  const runtime = await startHarness(t);
  const service = await runtime.token({ sub: "svc_wallet" });
  const other = await runtime.token({ sub: "svc_other", org: "org_b" });
  const ours = await receiptHash(runtime, (await grant(runtime)).receipt_id);
  const hashes = [hashOf("a"), hashOf("b"), hashOf("a"), ours];
  assert.equal((await runtime.post("/internal/v1/log/hashes", { hashes })).json.code, "wrong_principal_kind");
  const send = (token: string) => runtime.post("/internal/v1/log/hashes", { hashes }, { token });
  const answers = await Promise.all([send(service), send(service), send(other), send(service)]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.equal(
    answers.reduce((sum, { json }) => sum + json.added, 0),
    2,
  );
  assert.equal((await send(service)).json.added, 0);
  assert.equal(await untilSize(runtime, 3), 3);
});

test("a transaction that outlasts passes of the sequencer is logged when it commits", async (t) => {
  const { db } = await database(t);
  const slower = await open(db);
  await insertReceipt(slower, "slower");
  const slow = await open(db);
  await insertReceipt(slow, "slow");
  await insertReceipt(db, "quick 1");
  await pass(db);
  assert.deepEqual(await logged(db), ["quick 1"]);
  await insertReceipt(db, "quick 2");
  await pass(db);
  await slow.commitWith([]);
  await pass(db);
  await insertReceipt(db, "quick 3");
  await pass(db);
  await slower.commitWith([]);
  await pass(db);
  await pass(db);
  assert.deepEqual(await logged(db), ["quick 1", "quick 2", "slow", "quick 3", "slower"]);
  await assertOneTree(db);
});

test("however commits and passes interleave, every receipt that committed is logged once and no other", async (t) => {
  const { db } = await database(t);
  const committed: string[] = [];
  let state = 7;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const running: { readonly tx: OpenTx; readonly names: string[] }[] = [];
  for (let step = 0; step < 400; step += 1) {
    const at = random(6);
    const chosen = running[at];
    switch (random(5)) {
      case 0:
        await pass(db, 1 + random(4));
        break;
      case 1:
        if (chosen === undefined) break;
        await chosen.tx.commitWith([]);
        committed.push(...chosen.names);
        running.splice(at, 1);
        break;
      case 2:
        if (chosen === undefined || random(3) > 0) break;
        await chosen.tx.rollback();
        running.splice(at, 1);
        break;
      default: {
        const into = chosen ?? { tx: await open(db), names: [] };
        if (chosen === undefined) running.push(into);
        await insertReceipt(into.tx, `receipt ${step}`);
        into.names.push(`receipt ${step}`);
      }
    }
  }
  for (const { tx, names } of running) {
    await tx.commitWith([]);
    committed.push(...names);
  }
  while ((await pass(db, 3)) > 0);
  assert.ok(committed.length > 100);
  assert.deepEqual((await logged(db)).toSorted(), committed.toSorted());
  await assertOneTree(db);
});

test("writers and sequencers side by side: dense indexes, each receipt once", async (t) => {
  const { db, url } = await database(t);
  const sequencers = Array.from({ length: 4 }, () =>
    connect({ url, applicationName: "test", connectionsMax: 2 }),
  );
  t.after(() => Promise.all(sequencers.map((each) => each.close())));
  let writing = true;
  const names = Array.from({ length: 300 }, (_, at) => `raced ${at}`);
  const writers = Array.from({ length: 6 }, async (_, writer) => {
    for (const name of names.filter((__, at) => at % 6 === writer)) {
      await db.transaction(async (tx) => {
        await insertReceipt(tx, name);
        // Another round trip, so that transactions overlap.
        await tx.query(statement("test.one", "SELECT 1"));
      });
    }
  });
  const passes = sequencers.map(async (each) => {
    while (writing) await sequencePage({ db: each, nowMs: () => NOW }, 7);
  });
  await Promise.all(writers);
  writing = false;
  await Promise.all(passes);
  while ((await pass(db)) > 0);
  assert.deepEqual((await logged(db)).toSorted(), names.toSorted());
  await assertOneTree(db);
});

test("a pass that is cut off leaves nothing, and the next process goes on where the log ends", async (t) => {
  const { db, url } = await database(t);
  for (let at = 0; at < 20; at += 1) await insertReceipt(db, `receipt ${at}`);
  await pass(db, 6);
  const cut: Database = {
    ...db,
    async begin<R>(first: Parameters<Database["begin"]>[0], values: readonly unknown[]) {
      const { tx, rows } = await db.begin<R>(first, values);
      const dying: OpenTx = {
        query: (each, given) => tx.query(each, given),
        rollback: () => tx.rollback(),
        // The writes reach the database, and the connection dies before COMMIT.
        async commitWith(writes) {
          for (const { name, text, values: given } of writes) await tx.query(statement(name, text), given);
          await tx.query(statement("test.die", "SELECT pg_terminate_backend(pg_backend_pid())"));
        },
      };
      return { tx: dying, rows };
    },
  };
  await assert.rejects(sequencePage({ db: cut, nowMs: () => NOW }, 6));
  assert.equal((await logged(db)).length, 6);
  const next = connect({ url, applicationName: "test", connectionsMax: 1 });
  t.after(() => next.close());
  while ((await pass(next, 6)) > 0);
  assert.deepEqual(
    await logged(db),
    Array.from({ length: 20 }, (_, at) => `receipt ${at}`),
  );
  await assertOneTree(db);
});

test("where transactions are counted anew, nothing is logged rather than something missed", async (t) => {
  const { db, adminUrl } = await database(t);
  await insertReceipt(db, "before");
  await pass(db);
  const admin = connect({ url: adminUrl, applicationName: "test", connectionsMax: 1 });
  const ahead = "UPDATE transparency.heads SET seen = '99999999999:99999999999:' WHERE size = 1";
  await admin.query(statement("test.ahead", ahead));
  await admin.close();
  await insertReceipt(db, "after");
  await assert.rejects(pass(db), /has been moved/);
  assert.deepEqual(await logged(db), ["before"]);
});

test("asking what is new reads as many receipts as it answers, however many one transaction left", async (t) => {
  const { db, adminUrl } = await database(t);
  const admin = connect({ url: adminUrl, applicationName: "test", connectionsMax: 1 });
  t.after(() => admin.close());
  await admin.query(statement("test.backlog", BACKLOG), [5_000]);
  await pass(db, 10);
  await admin.query(statement("test.analyze", "ANALYZE"));
  await admin.transaction(async (tx) => {
    // What a planner does that knows the place and counts on statistics.
    await tx.query(statement("test.custom", "SET LOCAL plan_cache_mode = force_custom_plan"));
    const { rows } = await listOffered(tx, await getLastHead(tx), 1);
    assert.equal(rows.length, 1);
    const [read] = await tx.query<{ rows: bigint }>(statement("test.read", ROWS_READ));
    assert.ok(read !== undefined && read.rows < 10n, `${read?.rows} receipts were read`);
  });
});

const BACKLOG = `INSERT INTO authority.receipts (receipt_id, tenant, schema, subject, body, occurred_at_ms)
  SELECT 'receipt ' || n, 'org_a', 'test', 'test',
         format('{"canonical_json_sha256":"%s"}', encode(sha256(n::text::bytea), 'hex')), 0
    FROM generate_series(1, $1::int) AS n`;
const ROWS_READ = `SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables
  WHERE relid = 'authority.receipts'::regclass`;

test("a service with another key than the log's does not start", async (t) => {
  const runtime = await startHarness(t);
  await runtime.stop();
  const other = startHarness(t, { databaseUrl: runtime.databaseUrl, logSigningKey: "44".repeat(32) });
  await assert.rejects(other, /the log of this database is signed by log\.example\/test\+/);
});

test("the service's role can neither change the log nor take anything back", async (t) => {
  const { db } = await database(t);
  for (const [index, text] of [
    "UPDATE transparency.entries SET index = 1",
    "DELETE FROM transparency.entries",
    "UPDATE transparency.nodes SET hash = hash",
    "DELETE FROM transparency.heads",
    "UPDATE transparency.heads SET size = 1",
    "DELETE FROM transparency.handovers",
    "TRUNCATE transparency.entries",
  ].entries())
    await assert.rejects(db.query(statement(`test.no_${index}`, text)), /permission denied/, text);
});

async function insertReceipt(q: Queryable, name: string): Promise<void> {
  const body = { a: { canonical_json_sha256: "not this" }, canonical_json_sha256: hashOf(name) };
  await q.query(INSERT_RECEIPT, [name, JSON.stringify(body)]);
}

const INSERT_RECEIPT = statement(
  "test.insert_receipt",
  `INSERT INTO authority.receipts (receipt_id, tenant, schema, subject, body, occurred_at_ms)
   VALUES ($1, 'org_a', 'test', 'test', $2, 0)`,
);

/** A transaction that stays open. */
async function open(db: Database): Promise<OpenTx> {
  return (await db.begin(statement("test.open", "SELECT 1"), [])).tx;
}

/** One pass; answers by how much the log grew. */
async function pass(db: Database, limit = 100): Promise<number> {
  const before = (await logged(db)).length;
  const head = await sequencePage({ db, nowMs: () => NOW }, limit);
  assert.notEqual(head, undefined);
  return (head?.size ?? 0) - before;
}

const LOGGED = statement(
  "test.logged",
  `SELECT e.index, e.hash, r.receipt_id FROM transparency.entries e
     LEFT JOIN authority.receipts r ON decode(r.body::json ->> 'canonical_json_sha256', 'hex') = e.hash
    ORDER BY e.index`,
);
const HEADS = statement("test.heads", "SELECT size, root FROM transparency.heads ORDER BY size");

/** Names of the logged receipts in the log's order. */
async function logged(db: Database): Promise<string[]> {
  return (await db.query<{ receipt_id: string }>(LOGGED)).map((row) => row.receipt_id);
}

async function assertOneTree(db: Database): Promise<void> {
  const rows = await db.query<{ index: bigint; hash: Buffer }>(LOGGED);
  assert.deepEqual(
    rows.map((row) => Number(row.index)),
    [...rows.keys()],
  );
  const leaves = rows.map((row) => leafOf(row.hash));
  const heads = await db.query<{ size: bigint; root: Buffer }>(HEADS);
  assert.equal(Number(heads.at(-1)?.size), leaves.length);
  for (const { size, root } of heads) assert.deepEqual(root, treeHash(leaves.slice(0, Number(size))));
}

function database(t: TestContext) {
  return testDatabase(t, { directories: MIGRATIONS });
}

async function grant(runtime: Harness): Promise<{ receipt_id: string }> {
  const answer = await runtime.post("/internal/v1/treasury/demo-grants", { amount_msats: 1000 });
  assert.ok(answer.status < 300, answer.text);
  return answer.json;
}

async function receiptHash(runtime: Harness, id: string): Promise<string> {
  return (await runtime.get(`/internal/v1/receipts/${id}`)).json.receipt.canonical_json_sha256;
}

async function readBytes(runtime: Harness, path: string): Promise<Uint8Array> {
  const response = await fetch(runtime.url + path);
  assert.equal(response.status, 200, path);
  return new Uint8Array(await response.arrayBuffer());
}

/** Wait until the log has so many entries; answers how many it has. */
async function untilSize(runtime: Harness, size: number): Promise<number> {
  for (;;) {
    const { json } = await runtime.get("/internal/v1/log");
    if (json.size >= size) return json.size;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
