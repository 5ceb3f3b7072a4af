import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { ProblemError, Treasury, methodsOf, type CommandCall } from "@openagents/contracts";
import { statement, type Database, type Write } from "@openagents/postgres";
import { testDatabase } from "@openagents/testing";
import { createAuthority, type Authority, type Batch, type BatchKind, type Decided } from "./index.ts";

const NOW = 1_790_000_000_000;
const MIGRATIONS = [{ name: "authority", path: fileURLToPath(new URL("../migrations", import.meta.url)) }];
const SCHEMA = "openagents.treasury.demo_grant.v1";

type Output = { org: string; amountMsats: bigint; availableMsats: bigint; receiptId: string };

test("commands that arrive together share one transaction, and each has its own answer and receipt", async (t) => {
  const { db, batch, flushes } = await door(t);
  const replies = await Promise.all(numbers(300).map((n) => add(batch, `k${n}`, 1n)));
  // The first flush takes 256, the second the rest.
  assert.deepEqual(flushes, [256, 44]);
  const outputs = replies.map((reply) => JSON.parse(reply.body));
  assert.equal(new Set(outputs.map((output) => output.receipt_id)).size, 300);
  // Each decision saw those before it: the first batch counts to 256, the second to 44.
  assert.deepEqual(
    outputs.map((output) => output.available_msats),
    numbers(300).map((n) => (n % 256) + 1),
  );
  assert.equal(await count(db, "receipts"), 300n);
  assert.equal(await count(db, "commands"), 300n);
});

test("two flushes run at once where they lock nothing in common, and a locked row's commands keep their order", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const gates = new Map([1n, 2n, 3n].map((row) => [row, Promise.withResolvers<void>()]));
  const loaded: (readonly bigint[])[] = [];
  const begun = new Map([1n, 2n, 3n].map((row) => [row, Promise.withResolvers<void>()]));
  const batch: Counter = createAuthority({ db, nowMs: () => NOW }).batch({
    ...counterKind(async (needs) => {
      loaded.push(needs);
      for (const row of new Set(needs)) begun.get(row)?.resolve();
      for (const row of new Set(needs)) await gates.get(row)?.promise;
    }),
    locksOf: (row) => [`row ${row}`],
  });
  const first = add(batch, "a", 1n);
  await begun.get(1n)?.promise;
  const hot = numbers(5).map((n) => add(batch, `hot${n}`, 1n));
  // Passes those that wait for the first flush, and runs beside it.
  const other = add(batch, "b", 2n);
  await begun.get(2n)?.promise;
  // Locks nothing that is locked, and waits all the same: two flushes are enough.
  const third = add(batch, "c", 3n);
  assert.deepEqual(loaded, [[1n], [2n]]);
  gates.get(3n)?.resolve();
  gates.get(1n)?.resolve();
  await Promise.all([first, ...hot, third]);
  assert.deepEqual(loaded, [[1n], [2n], [1n, 1n, 1n, 1n, 1n, 3n]]);
  gates.get(2n)?.resolve();
  assert.equal((await other).status, 201);
  assert.equal(await count(db, "commands"), 8n);
});

test("what fails in a batch fails alone: errors, refusals, bytes that cannot be stored, and nothing decided", async (t) => {
  const { db, batch } = await door(t);
  const before = numbers(10).map((n) => add(batch, `before${n}`, 1n));
  const missing = batch.execute(call("missing"), request(), 1n, () => {
    throw new ProblemError({ status: 404, code: "run_not_found", detail: "no" });
  });
  const afterSeal = batch.execute(call("after_seal"), request(), 1n, (decision) => {
    decision.seal(SCHEMA, "x", {}, NOW);
    throw new Error("a fault of ours");
  });
  const unencodable = batch.execute(call("unencodable"), request(), 100n, () => ({
    change: 100n,
    outcome: { kind: "answer", output: { org: 7 }, writes: [] },
  }));
  const unstorable = batch.execute(call("unstorable"), request(), 1n, () => ({
    outcome: { kind: "answer", output: output(0n, ""), writes: [BROKEN_WRITE] },
  }));
  const refused = batch.execute(call("refused"), request(), 1n, () => ({
    outcome: { kind: "refused", rule: "funds", reason: "insufficient_funds", detail: "no" },
  }));
  const nothing = batch.execute(call("nothing"), request(), 1n, () => ({
    outcome: { kind: "nothing", output: output(0n, "") },
  }));
  const after = numbers(10).map((n) => add(batch, `after${n}`, 1n));
  await assert.rejects(missing, isProblem(404, "run_not_found"));
  await assert.rejects(afterSeal, /a fault of ours/);
  await assert.rejects(unencodable);
  await assert.rejects(unstorable, /no_such_table/);
  assert.equal((await refused).status, 402);
  assert.equal((await nothing).status, 201);
  const good = await Promise.all([...before, ...after]);
  assert.deepEqual(new Set(good.map((reply) => reply.status)), new Set([201]));
  const seen = good.map((reply) => JSON.parse(reply.body).available_msats);
  assert.ok(Math.max(...seen) <= 20, "nobody saw the change of a command that failed");
  // What failed left neither receipt nor change nor key behind.
  assert.equal(await count(db, "receipts"), 20n);
  assert.equal(await count(db, "commands"), 21n);
  for (const key of ["missing", "after_seal", "unencodable", "unstorable", "nothing"]) {
    assert.equal((await add(batch, key, 1n)).replayed, false, key);
  }
});

test("the same key twice in one batch has one effect and equal bytes; another request under it is refused", async (t) => {
  const { db, batch } = await door(t);
  const same = numbers(8).map(() => add(batch, "k", 5n));
  const other = add(batch, "k", 6n);
  const neighbour = add(batch, "n", 1n);
  const replies = await Promise.all(same);
  await assert.rejects(other, isProblem(422, "idempotency_key_reused"));
  assert.equal(new Set(replies.map((reply) => reply.body)).size, 1);
  assert.equal(replies.filter((reply) => !reply.replayed).length, 1);
  assert.equal((await neighbour).status, 201);
  assert.equal(await count(db, "commands"), 2n);
});

test("keys that ended before are replayed within a batch, byte for byte, also from another process", async (t) => {
  const { db, batch } = await door(t);
  const first = await Promise.all(numbers(10).map((n) => add(batch, `k${n}`, 1n)));
  const restarted = openBatch(createAuthority({ db, nowMs: () => NOW + 86_400_000 }));
  const again = numbers(20).map((n) => add(restarted, `k${n}`, 1n));
  const reused = add(restarted, "k3", 2n);
  await assert.rejects(reused, isProblem(422, "idempotency_key_reused"));
  const replies = await Promise.all(again);
  assert.deepEqual(
    replies.slice(0, 10).map((reply) => reply.body),
    first.map((reply) => reply.body),
  );
  assert.deepEqual(
    replies.map((reply) => reply.replayed),
    numbers(20).map((n) => n < 10),
  );
  assert.equal(await count(db, "commands"), 20n);
});

test("batches of many processes and single commands under the same keys have one effect for each key", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const authorities = numbers(4).map(() => createAuthority({ db, nowMs: () => NOW }));
  const bodies = new Map<string, Set<string>>();
  await Promise.all(
    authorities.flatMap((authority, process) => {
      const batch = openBatch(authority);
      return numbers(40).map(async (n) => {
        const key = `k${n % 20}`;
        const reply =
          process % 2 === 0
            ? await add(batch, key, 1n)
            : await authority.execute(
                call(key),
                request(1n),
                async (command) => decide(command, 0n, 1n).outcome,
              );
        bodies.set(key, (bodies.get(key) ?? new Set()).add(reply.body));
      });
    }),
  );
  assert.deepEqual(
    [...bodies.values()].map((each) => each.size),
    numbers(20).map(() => 1),
  );
  assert.equal(await count(db, "commands"), 20n);
  assert.equal(await count(db, "receipts"), 20n);
});

test("a key that runs elsewhere waits without holding up its neighbours", async (t) => {
  const { db, batch } = await door(t);
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const elsewhere = createAuthority({ db, nowMs: () => NOW }).execute(
    call("k"),
    request(1n),
    async (command) => {
      begun.resolve();
      await gate.promise;
      return decide(command, 0n, 1n).outcome;
    },
  );
  await begun.promise;
  const waiting = add(batch, "k", 1n);
  assert.equal((await add(batch, "neighbour", 1n)).status, 201);
  gate.resolve();
  assert.equal((await waiting).body, (await elsewhere).body);
});

test("a batch whose connection dies runs again, and each command still has one effect", async (t) => {
  for (const when of ["load", "commit"] as const) {
    const { db, batch, killNext } = await door(t);
    killNext(when);
    const replies = await Promise.all(numbers(30).map((n) => add(batch, `k${n}`, 1n)));
    assert.deepEqual(new Set(replies.map((reply) => reply.status)), new Set([201]), when);
    assert.equal(await count(db, "commands"), 30n, when);
    assert.equal(await count(db, "receipts"), 30n, when);
  }
});

test("a serialization failure runs a batch again, and an exhausted one is everyone's 503", async (t) => {
  const { db, batch, failNext } = await door(t);
  failNext(2);
  await Promise.all(numbers(5).map((n) => add(batch, `k${n}`, 1n)));
  assert.equal(await count(db, "receipts"), 5n);
  failNext(6);
  const late = numbers(3).map((n) => add(batch, `late${n}`, 1n));
  for (const each of late) await assert.rejects(each, isProblem(503, "database_contended"));
  assert.equal((await add(batch, "late0", 1n)).replayed, false);
});

test("more commands than may wait are told to come back, and none of them was run", async (t) => {
  const { db, batch } = await door(t);
  const results = await Promise.allSettled(numbers(8_200).map((n) => add(batch, `k${n}`, 1n)));
  const refused = results.filter((result) => result.status === "rejected");
  assert.equal(refused.length, 8);
  for (const { reason } of refused) assert.ok(isProblem(503, "database_contended")(reason));
  assert.equal(await count(db, "commands"), 8_192n);
});

const BROKEN_WRITE: Write = {
  name: "test.broken",
  text: "INSERT INTO no_such_table VALUES ($1)",
  values: [1],
};

/** A counter in memory: the view is its value, a change adds to it. */
type Counter = Batch<bigint, bigint, bigint>;

function openBatch(authority: Authority, onLoad?: Parameters<typeof counterKind>[0]): Counter {
  return authority.batch(counterKind(onLoad));
}

function counterKind(
  onLoad: (
    needs: readonly bigint[],
    tx: Parameters<BatchKind<bigint, bigint, bigint>["load"]>[0],
  ) => Promise<void> = async () => undefined,
): BatchKind<bigint, bigint, bigint> {
  return {
    locksOf: () => ["the counter"],
    async load(tx, needs) {
      await onLoad(needs, tx);
      let value = 0n;
      return { view: () => value, apply: (change) => void (value += change) };
    },
  };
}

function add(batch: Counter, key: string, amount: bigint) {
  return batch.execute<Output>(call(key), request(amount), amount, (decision, value) =>
    decide(decision, value, amount),
  );
}

function decide(
  decision: Pick<Parameters<Parameters<Counter["execute"]>[3]>[0], "seal">,
  value: bigint,
  amount: bigint,
): Decided<Output, bigint> {
  const receipt = decision.seal(SCHEMA, "x", { amount_msats: Number(amount) }, NOW);
  return {
    change: amount,
    outcome: { kind: "answer", output: output(value + amount, receipt.receipt_id), writes: [] },
  };
}

async function door(t: TestContext) {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const flushes: number[] = [];
  let kill: "load" | "commit" | undefined;
  let failures = 0;
  const batch = openBatch(createAuthority({ db, nowMs: () => NOW }), async (needs, tx) => {
    flushes.push(needs.length);
    if (failures > 0) {
      failures -= 1;
      throw Object.assign(new Error("could not serialize access"), { code: "40001" });
    }
    if (kill === undefined) return;
    const at = kill;
    kill = undefined;
    const killing = tx.query(statement("", "SELECT pg_terminate_backend(pg_backend_pid())"));
    if (at === "load") await killing;
    // Otherwise the connection is found dead when the batch commits.
    else killing.catch(() => undefined);
  });
  return {
    db,
    batch,
    flushes,
    killNext: (when: "load" | "commit") => void (kill = when),
    failNext: (times: number) => void (failures = times),
  };
}

const GRANT =
  methodsOf(Treasury).find((method) => method.localName === "grantDemoCredit") ??
  assert.fail("no such method");

function call(idempotencyKey: string): CommandCall {
  return {
    principal: { id: "usr_a", kind: "user", org: "org_a", scopes: new Set(), zoneTenths: 5, tokenId: "jti" },
    requestId: "req_test",
    signal: new AbortController().signal,
    method: GRANT,
    idempotencyKey,
  };
}

function request(amountMsats = 1n) {
  return { amountMsats, memo: "a" };
}

function output(availableMsats: bigint, receiptId: string): Output {
  return { org: "org_a", amountMsats: 1n, availableMsats, receiptId };
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

async function count(db: Database, table: "commands" | "receipts"): Promise<bigint> {
  const [row] = await db.query<{ n: bigint }>(statement("", `SELECT count(*) AS n FROM authority.${table}`));
  return row?.n ?? -1n;
}

function isProblem(status: number, code: string) {
  return (error: unknown) => error instanceof ProblemError && error.status === status && error.code === code;
}
