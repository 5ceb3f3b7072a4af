import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { ProblemError, Treasury, methodsOf, type CommandCall } from "@openagents/contracts";
import { statement, type Database } from "@openagents/postgres";
import { manualClock, testDatabase } from "@openagents/testing";
import { createAuthority, type Authority, type Outcome } from "./index.ts";

const NOW = 1_790_000_000_000;
const MIGRATIONS = [{ name: "authority", path: fileURLToPath(new URL("../migrations", import.meta.url)) }];
const COUNT_COMMANDS = statement("test.count_commands", "SELECT count(*) AS n FROM authority.commands");
const COUNT_RECEIPTS = statement("test.count_receipts", "SELECT count(*) AS n FROM authority.receipts");

type Output = { org: string; amountMsats: bigint; availableMsats: bigint; receiptId: string };

test("64 callers of one key: one effect, 64 equal bodies", async (t) => {
  const { db, authority } = await door(t);
  let effects = 0;
  const replies = await Promise.all(
    Array.from({ length: 64 }, () =>
      authority.execute(call("k1"), request(), async (command) => {
        effects += 1;
        await command.tx.query(statement("test.sleep", "SELECT pg_sleep(0.05)"));
        return created(command.seal(SCHEMA, "run_x", { n: effects }, command.nowMs()).receipt_id);
      }),
    ),
  );
  assert.equal(effects, 1);
  assert.equal(new Set(replies.map((reply) => reply.body)).size, 1);
  assert.equal(replies.filter((reply) => !reply.replayed).length, 1);
  assert.equal(await count(db, COUNT_COMMANDS), 1n);
  assert.equal(await count(db, COUNT_RECEIPTS), 1n);
});

test("callers of one key in many processes have one effect, and waiters hold no connection", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS, connectionsMax: 4 });
  const process = () => createAuthority({ db, nowMs: () => NOW });
  const authority = process();
  const bodies: string[] = [];
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const first = authority.execute(call("k1"), request(), async () => {
    begun.resolve();
    await gate.promise;
    return created("first");
  });
  await begun.promise;
  const waiters = Array.from({ length: 40 }, () =>
    process()
      .execute(call("k1"), request(), async () => created("second"))
      .then((reply) => bodies.push(reply.body)),
  );
  // Each has memory of its own, as processes have. Were they to hold connections, none of four would be left.
  assert.equal(await count(db, COUNT_COMMANDS), 0n);
  gate.resolve();
  const reply = await first;
  await Promise.all(waiters);
  assert.deepEqual(new Set(bodies), new Set([reply.body]));
});

test("the same key with another request is refused, before and after the first ends", async (t) => {
  const { authority } = await door(t);
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const first = authority.execute(call("k1"), request("a"), async () => {
    begun.resolve();
    await gate.promise;
    return created("a");
  });
  await begun.promise;
  const early = assert.rejects(
    authority.execute(call("k1"), request("b"), async () => created("b")),
    isProblem(422, "idempotency_key_reused"),
  );
  gate.resolve();
  await first;
  await early;
  const late = authority.execute(call("k1"), request("b"), async () => created("b"));
  await assert.rejects(late, isProblem(422, "idempotency_key_reused"));
});

test("keys of other principals, tenants and methods are other keys", async (t) => {
  const { db, authority } = await door(t);
  const calls = [call("k1"), call("k1", { id: "usr_b" }), call("k1", { org: "org_b" })];
  for (const each of calls) {
    const reply = await authority.execute(each, request(), async () => created(each.principal.id));
    assert.equal(reply.replayed, false);
  }
  assert.equal(await count(db, COUNT_COMMANDS), 3n);
});

test("an error burns nothing: the key is free and nothing is stored", async (t) => {
  const { db, authority } = await door(t);
  const failing = authority.execute(call("k1"), request(), async (command) => {
    command.seal(SCHEMA, "run_x", {}, NOW);
    throw new ProblemError({ status: 404, code: "run_not_found", detail: "no" });
  });
  await assert.rejects(failing, isProblem(404, "run_not_found"));
  assert.equal(await count(db, COUNT_RECEIPTS), 0n);
  const reply = await authority.execute(call("k1"), request(), async () => created("second try"));
  assert.equal(reply.replayed, false);
});

test("a refusal commits and replays, also when it would be allowed now", async (t) => {
  const { authority } = await door(t);
  const refusal: Outcome<Output> = {
    kind: "refused",
    rule: "funds",
    reason: "insufficient_funds",
    detail: "no",
  };
  const first = await authority.execute(call("k1"), request(), async () => refusal);
  const again = await authority.execute(call("k1"), request(), async () => created("now allowed"));
  assert.equal(first.status, 402);
  assert.deepEqual({ ...again, replayed: false }, first);
  assert.equal(again.replayed, true);
});

test("deciding nothing stores nothing and leaves the key free", async (t) => {
  const { db, authority } = await door(t);
  await authority.execute(call("k1"), request(), async () => ({ kind: "nothing", output: output("") }));
  assert.equal(await count(db, COUNT_COMMANDS), 0n);
  const reply = await authority.execute(call("k1"), request(), async () => created("later"));
  assert.equal(reply.replayed, false);
});

test("a replay is byte-equal from a process that was not there", async (t) => {
  const { db, authority } = await door(t);
  const first = await authority.execute(call("k1"), request(), async () => created('é \u2028 "quoted"'));
  const restarted = createAuthority({ db, nowMs: () => NOW + 86_400_000 });
  const again = await restarted.execute(call("k1"), request(), async () => created("never"));
  assert.equal(again.body, first.body);
  assert.equal(again.replayed, true);
});

test("a serialization failure runs the body again, and only its last run counts", async (t) => {
  const { db, authority } = await door(t);
  let tries = 0;
  await authority.execute(call("k1"), request(), async (command) => {
    tries += 1;
    const receipt = command.seal(SCHEMA, "run_x", { tries }, NOW);
    if (tries < 3) throw Object.assign(new Error("could not serialize access"), { code: "40001" });
    return created(receipt.receipt_id);
  });
  assert.equal(tries, 3);
  assert.equal(await count(db, COUNT_RECEIPTS), 1n);
});

test("a connection killed while the body runs leaves no trace, and the command still has one effect", async (t) => {
  const { db, authority } = await door(t);
  let tries = 0;
  const reply = await authority.execute(call("k1"), request(), async (command) => {
    tries += 1;
    const receipt = command.seal(SCHEMA, "run_x", { tries }, NOW);
    if (tries === 1) {
      await command.tx.query(statement("test.suicide", "SELECT pg_terminate_backend(pg_backend_pid())"));
    }
    return created(receipt.receipt_id);
  });
  assert.equal(reply.status, 201);
  assert.equal(tries, 2);
  assert.equal(await count(db, COUNT_RECEIPTS), 1n);
  assert.equal(await count(db, COUNT_COMMANDS), 1n);
});

test("the service's role can neither change nor delete what was decided", async (t) => {
  const { db, authority } = await door(t);
  await authority.execute(call("k1"), request(), async (command) =>
    created(command.seal(SCHEMA, "run_x", {}, NOW).receipt_id),
  );
  for (const table of ["authority.commands", "authority.receipts"]) {
    await assert.rejects(
      db.query(statement(`test.delete_${table}`, `DELETE FROM ${table}`)),
      /permission denied/,
    );
    await assert.rejects(
      db.query(statement(`test.update_${table}`, `UPDATE ${table} SET body = 'x'`)),
      /permission denied/,
    );
  }
});

const SCHEMA = "openagents.treasury.demo_grant.v1";

const GRANT =
  methodsOf(Treasury).find((method) => method.localName === "grantDemoCredit") ??
  assert.fail("no such method");

function request(memo = "a") {
  return { amountMsats: 1n, memo };
}

function output(receiptId: string): Output {
  return { org: "org_a", amountMsats: 1n, availableMsats: 1n, receiptId };
}

function created(receiptId: string): Outcome<Output> {
  return { kind: "answer", output: output(receiptId), writes: [] };
}

function call(idempotencyKey: string, principal: { id?: string; org?: string } = {}): CommandCall {
  return {
    principal: {
      id: principal.id ?? "usr_a",
      kind: "user",
      org: principal.org ?? "org_a",
      scopes: new Set(["runs:write"]),
      zoneTenths: 5,
      tokenId: "jti",
    },
    requestId: "req_test",
    signal: new AbortController().signal,
    method: GRANT,
    idempotencyKey,
  };
}

async function door(t: TestContext): Promise<{ db: Database; authority: Authority }> {
  const clock = manualClock(NOW);
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  return { db, authority: createAuthority({ db, nowMs: clock.nowMs }) };
}

async function count(db: Database, query: ReturnType<typeof statement>): Promise<bigint> {
  const [row] = await db.query<{ n: bigint }>(query);
  return row?.n ?? -1n;
}

function isProblem(status: number, code: string) {
  return (error: unknown) => error instanceof ProblemError && error.status === status && error.code === code;
}
