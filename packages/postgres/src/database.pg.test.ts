import assert from "node:assert/strict";
import { createServer, connect as connectSocket, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { testDatabase } from "@openagents/testing";
import {
  ConnectionLost,
  connect,
  isConnectionLoss,
  isUniqueViolation,
  mergeWrites,
  statement,
  type Database,
  type Write,
} from "./index.ts";

const INSERT = (id: number, value = "v"): Write => ({
  name: `test.insert_${id}`,
  text: "INSERT INTO things (id, value) VALUES ($1, $2)",
  values: [id, value],
});
const COUNT = statement("test.count", "SELECT count(*) AS n FROM things");
const PID = statement("test.pid", "SELECT pg_backend_pid() AS pid");

test("int8 arrives as bigint, also beyond 2^53", async (t) => {
  const { db } = await things(t);
  const [row] = await db.query<{ x: bigint }>(statement("test.big", "SELECT 9007199254740993::bigint AS x"));
  assert.equal(row?.x, 9007199254740993n);
});

test("merged writes do what they would do one by one", async (t) => {
  const { db } = await things(t);
  const { tx } = await db.begin(PID, []);
  await tx.commitWith([INSERT(1, "a"), INSERT(2, "b"), INSERT(3, "c")]);
  const rows = await db.query(statement("test.all", "SELECT id, value FROM things ORDER BY id"));
  assert.deepEqual(
    rows.map((row) => Object.values(row as object)),
    [
      [1n, "a"],
      [2n, "b"],
      [3n, "c"],
    ],
  );
});

test("merging renumbers parameters of ten and more writes", () => {
  const { statement: merged, values } = mergeWrites(Array.from({ length: 12 }, (_, index) => INSERT(index)));
  assert.equal(values.length, 24);
  assert.match(merged.text, /w11 AS \(INSERT INTO things \(id, value\) VALUES \(\$23, \$24\)\)/);
});

test("a failing write rolls back all of them, and its connection serves again", async (t) => {
  const { db } = await things(t, 1);
  const { tx } = await db.begin(PID, []);
  await assert.rejects(tx.commitWith([INSERT(1), INSERT(2), { ...INSERT(1), name: "again" }]), (error) =>
    isUniqueViolation(error, "things_pkey"),
  );
  assert.equal(await count(db), 0n);
});

test("a failing first statement leaves no transaction open", async (t) => {
  const { db } = await things(t, 1);
  await assert.rejects(db.begin(statement("test.bad", "SELECT 1/0"), []), /division by zero/);
  assert.equal(await count(db), 0n);
});

test("a connection that dies in the body is reported as lost and not used again", async (t) => {
  const { db, adminUrl } = await things(t, 1);
  const { tx, rows } = await db.begin<{ pid: number }>(PID, []);
  const admin = connect({ url: adminUrl, applicationName: "test-admin" });
  t.after(() => admin.close());
  await admin.query(statement("test.kill", "SELECT pg_terminate_backend($1)"), [rows[0]?.pid]);
  await assert.rejects(tx.commitWith([INSERT(1)]), ConnectionLost);
  assert.equal(await count(db), 0n);
});

test("connections that are cut all the time reject what runs on them, as lost, and nothing else breaks", async (t) => {
  const { db, adminUrl } = await things(t, 8);
  const admin = connect({ url: adminUrl, applicationName: "test-admin", connectionsMax: 1 });
  t.after(() => admin.close());
  let cutting = true;
  const errors: unknown[] = [];
  const work = async (worker: number) => {
    for (let n = 0; cutting; n += 1) {
      try {
        const { tx } = await db.begin(PID, []);
        await tx.commitWith([{ ...INSERT(worker * 1_000_000 + n), name: "test.insert" }]);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  const workers = Promise.all(Array.from({ length: 16 }, (_, index) => work(index)));
  for (let cut = 0; cut < 60; cut += 1) {
    await admin.query(
      statement(
        "test.cut",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
      ),
    );
  }
  cutting = false;
  await workers;
  assert.ok(errors.length > 0);
  assert.deepEqual(
    errors.filter((error) => !isConnectionLoss(error)),
    [],
  );
  assert.ok((await count(db)) >= 0n);
});

test("a transaction costs three round trips: begin with the claim, a lock, and the writes with COMMIT", async (t) => {
  const { url } = await things(t, 1);
  const proxy = await countingProxy(t, url);
  const db = connect({ url: proxy.url, applicationName: "test", connectionsMax: 1 });
  t.after(() => db.close());
  const command = async (id: number) => {
    const { tx } = await db.begin(PID, []);
    await tx.query(statement("test.lock", "SELECT id FROM things WHERE id = $1 FOR UPDATE"), [id]);
    await tx.commitWith([{ ...INSERT(id), name: "test.insert" }]);
  };
  await command(1);
  const before = proxy.turns();
  await command(2);
  assert.equal(proxy.turns() - before, 3);
});

test("a statement's plan walks an index also when it was made while the table was small", async (t) => {
  const { db } = await things(t);
  const { tx } = await db.begin(PID, []);
  await tx.query(statement("test.find", "SELECT value FROM things WHERE id = $1"), [1]);
  const plan = await tx.query<object>(statement("", 'EXPLAIN EXECUTE "test.find" (1)'));
  await tx.rollback();
  const text = plan.flatMap((row) => Object.values(row)).join("\n");
  assert.match(text, /Index (Only )?Scan using things_pkey/);
  // One plan for all values, not one for each.
  assert.match(text, /id = \$1/);
});

test("a statement that fails takes those sent behind it along, and each works again on the same connection", async (t) => {
  const { db } = await things(t, 1);
  const divide = statement("test.divide", "SELECT 1 / $1::int AS n");
  const [first, last] = [statement("test.first", "SELECT 1 AS n"), statement("test.last", "SELECT 3 AS n")];
  const wrong = statement("test.wrong", "SELECT no_such_column");
  const together = async (middle: typeof divide, values: readonly unknown[]) => {
    const { tx } = await db.begin(PID, []);
    const all = [tx.query(first), tx.query(middle, values), tx.query(last)];
    const results = await Promise.allSettled(all);
    await tx.rollback();
    return results.map((result) => (result.status === "fulfilled" ? result.value : result.reason.code));
  };
  // Twice each: what was prepared before a failure is known the second time, what was not is prepared then.
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(await together(divide, [0]), [[{ n: 1 }], "22012", "22012"]);
    assert.deepEqual(await together(wrong, []), [[{ n: 1 }], "42703", "42703"]);
    assert.deepEqual(await together(divide, [1]), [[{ n: 1 }], [{ n: 1 }], [{ n: 3 }]]);
  }
});

test("a rollback in the same turn as statements is answered, whatever becomes of them", async (t) => {
  const { db } = await things(t, 1);
  for (const divisor of [1, 0]) {
    const { tx } = await db.begin(PID, []);
    const asked = tx.query(statement("test.divide", "SELECT 1 / $1::int AS n"), [divisor]);
    const [outcome] = await Promise.allSettled([asked, tx.rollback()]);
    assert.equal(outcome.status, divisor === 0 ? "rejected" : "fulfilled");
    assert.equal(await count(db), 0n);
  }
});

test("a pool that is used up says so within its bound", { timeout: 20_000 }, async (t) => {
  const { db } = await things(t, 1);
  const { tx } = await db.begin(PID, []);
  await assert.rejects(db.begin(PID, []), ConnectionLost);
  await tx.rollback();
  assert.equal(await count(db), 0n);
});

test("a listener whose connection dies reconnects and says that it may have missed some", async (t) => {
  const { db, adminUrl } = await things(t);
  const heard: string[] = [];
  const next = () => new Promise<void>((resolve) => waiters.push(resolve));
  const waiters: (() => void)[] = [];
  const listener = await db.listen("test_channel", (payload) => {
    heard.push(payload);
    for (const wake of waiters.splice(0)) wake();
  });
  t.after(() => listener.close());
  const first = next();
  await db.notify("test_channel", "one");
  await first;
  const again = next();
  const admin = connect({ url: adminUrl, applicationName: "test-admin" });
  t.after(() => admin.close());
  await admin.query(
    statement(
      "test.kill_listener",
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()",
    ),
  );
  await again;
  assert.deepEqual(heard, ["one", ""]);
});

async function things(t: TestContext, connectionsMax = 5) {
  const { url, ownerUrl, adminUrl } = await testDatabase(t, { directories: [] });
  const owner = connect({ url: ownerUrl, applicationName: "test-owner" });
  await owner.query(statement("", "CREATE TABLE things (id bigint PRIMARY KEY, value text NOT NULL)"));
  await owner.query(statement("", "GRANT SELECT, INSERT, UPDATE ON things TO PUBLIC"));
  // As autovacuum may find it: from now on the planner believes that it is empty.
  await owner.query(statement("", "ANALYZE things"));
  await owner.close();
  const db = connect({ url, applicationName: "test", connectionsMax });
  t.after(() => db.close());
  return { db, url, adminUrl };
}

async function count(db: Database): Promise<bigint> {
  const [row] = await db.query<{ n: bigint }>(COUNT);
  return row?.n ?? -1n;
}

/** Counts how often the client speaks after the server did: a turn is one round trip. */
async function countingProxy(t: TestContext, databaseUrl: string) {
  const target = new URL(databaseUrl);
  let turns = 0;
  let serverSpokeLast = true;
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const upstream = connectSocket(Number(target.port), target.hostname);
    sockets.push(client, upstream);
    client.on("data", (chunk) => {
      if (serverSpokeLast) turns += 1;
      serverSpokeLast = false;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      serverSpokeLast = true;
      client.write(chunk);
    });
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const proxied = new URL(databaseUrl);
  proxied.port = String(address.port);
  return { url: proxied.href, turns: () => turns };
}
