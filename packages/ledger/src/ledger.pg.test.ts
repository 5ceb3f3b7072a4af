// The ledger on a real PostgreSQL, with callers that really run side by side.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  auditLedger,
  available,
  findAccount,
  listAccountTransfers,
  loadForTransfers,
  planTransfers,
  postingWrites,
  type Account,
  type Loaded,
  type NewAccount,
  type TransferRequest,
  type TransferResult,
} from "@openagents/ledger";
import {
  isUniqueViolation,
  statement,
  type Database,
  type Queryable,
  type Write,
} from "@openagents/postgres";
import { testDatabase } from "@openagents/testing";
import fc from "fast-check";

const MIGRATIONS = ["authority", "ledger"].map((name) => ({
  name,
  path: fileURLToPath(new URL(`../../${name}/migrations`, import.meta.url)),
}));

const NOW = 1_000;
const BEGIN = statement("test.begin", "SELECT 1");

const OUTSIDE: NewAccount = {
  id: "outside",
  unit: "msats",
  owner: "operator",
  kind: "external",
  floor: null,
};

function org(id: string): NewAccount {
  return { id, unit: "msats", owner: id, kind: "org", floor: 0n };
}

function transfer(id: string, overrides: Partial<TransferRequest> = {}): TransferRequest {
  return {
    id,
    kind: "posted",
    debitAccount: "a",
    creditAccount: "b",
    amount: 10n,
    unit: "msats",
    ...overrides,
  };
}

/** One command: lock and load, decide, and write with the receipt that caused it. */
async function apply(
  db: Database,
  requests: readonly TransferRequest[],
  options: { readonly open?: readonly NewAccount[]; readonly receipt?: string; readonly nowMs?: number } = {},
): Promise<readonly TransferResult[]> {
  const receiptId = options.receipt ?? `rcpt_${requests[0]?.id}`;
  const { tx } = await db.begin(BEGIN, []);
  try {
    const loaded = await loadForTransfers(tx, requests, NOW, options.open);
    const plan = planTransfers(loaded, requests, options.nowMs ?? NOW);
    const postings = postingWrites(loaded, plan, receiptId);
    await tx.commitWith(postings.length === 0 ? [] : [...postings, receiptWrite(receiptId)]);
    return plan.results;
  } catch (error) {
    await tx.rollback();
    throw error;
  }
}

function receiptWrite(receiptId: string): Write {
  return {
    name: "test.insert_receipt",
    text: `INSERT INTO authority.receipts (receipt_id, tenant, schema, subject, body, occurred_at_ms)
           VALUES ($1, 'org_1', 'test', 'test', '{}', 0) ON CONFLICT DO NOTHING`,
    values: [receiptId],
  };
}

function outcomes(results: readonly TransferResult[]): string[] {
  return results.map((result) => (result.kind === "refused" ? result.reason : result.kind));
}

async function fund(db: Database, accounts: readonly string[], amount: bigint): Promise<void> {
  const grants = accounts.map((id) =>
    transfer(`fund:${id}`, { debitAccount: "outside", creditAccount: id, amount }),
  );
  const results = await apply(db, grants, { open: [OUTSIDE, ...accounts.map(org)] });
  assert.deepEqual(new Set(outcomes(results)), new Set(["created"]));
}

async function balances(q: Queryable, id: string): Promise<bigint[]> {
  const account = await findAccount(q, id);
  assert.ok(account !== undefined, id);
  return [account.debitsPosted, account.creditsPosted, account.debitsPending, account.creditsPending];
}

async function assertSound(q: Queryable): Promise<void> {
  const report = await auditLedger(q);
  assert.deepEqual(
    report.checks.filter((check) => !check.ok),
    [],
  );
  assert.equal(report.ok, true);
}

test("a reservation goes its way from pending to posted, and the rest comes back", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  await fund(db, ["a", "b"], 100n);
  assert.deepEqual(outcomes(await apply(db, [transfer("r", { kind: "pending", amount: 60n })])), ["created"]);
  assert.deepEqual(await balances(db, "a"), [0n, 100n, 60n, 0n]);
  assert.deepEqual(await balances(db, "b"), [0n, 100n, 0n, 60n]);
  assert.deepEqual(outcomes(await apply(db, [transfer("over", { amount: 41n })])), ["insufficient_funds"]);
  const post = transfer("p", { kind: "post", pendingId: "r", amount: 25n });
  assert.deepEqual(outcomes(await apply(db, [post])), ["created"]);
  assert.deepEqual(await balances(db, "a"), [25n, 100n, 0n, 0n]);
  assert.deepEqual(await balances(db, "b"), [0n, 125n, 0n, 0n]);
  assert.deepEqual(outcomes(await apply(db, [post])), ["exists"]);
  assert.deepEqual(outcomes(await apply(db, [{ ...post, id: "q" }])), ["pending_resolved"]);
  await assertSound(db);
  assert.equal(await findAccount(db, "nobody"), undefined);
});

test("what is stored comes back with every field, and an amount beyond 2^53 exactly", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const amount = 2n ** 61n + 1n;
  await fund(db, ["a", "b"], amount);
  const hold = transfer("r", { kind: "pending", amount, expiresAtMs: 2_000 });
  await apply(db, [hold]);
  const expire = transfer("e", { kind: "expire", pendingId: "r", amount });
  assert.deepEqual(outcomes(await apply(db, [expire], { nowMs: 1_999 })), ["pending_not_expired"]);
  assert.deepEqual(outcomes(await apply(db, [expire], { nowMs: 2_000, receipt: "rcpt_sweep" })), ["created"]);
  assert.deepEqual(outcomes(await apply(db, [hold, expire])), ["exists", "exists"]);
  const [newest, older] = await listAccountTransfers(db, "a", { limit: 2 });
  assert.deepEqual(
    { ...newest, seq: 0n },
    { ...expire, seq: 0n, receiptId: "rcpt_sweep", createdAtMs: 2_000 },
  );
  assert.deepEqual({ ...older, seq: 0n }, { ...hold, seq: 0n, receiptId: "rcpt_r", createdAtMs: NOW });
});

test("200 callers reserve 1 each where there is 50: exactly 50 get it", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  await fund(db, ["a", "b"], 50n);
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      apply(db, [transfer(`r${index}`, { kind: "pending", amount: 1n })]),
    ),
  );
  const found = results.flatMap(outcomes);
  assert.equal(found.filter((each) => each === "created").length, 50);
  assert.equal(found.filter((each) => each === "insufficient_funds").length, 150);
  assert.deepEqual(await balances(db, "a"), [0n, 50n, 50n, 0n]);
  await assertSound(db);
});

test("many callers resolve one reservation, in every way there is: exactly one does", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  await fund(db, ["a", "b"], 100n);
  for (let round = 0; round < 10; round += 1) {
    const hold = transfer(`r${round}`, { kind: "pending", amount: 10n, expiresAtMs: 0 });
    await apply(db, [hold]);
    const kinds = ["post", "void", "expire"] as const;
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, index) => {
        const kind = kinds[index % 3] ?? "post";
        return apply(db, [transfer(`r${round}:${index}`, { kind, pendingId: hold.id, amount: 10n })]);
      }),
    );
    const found = results.flatMap(outcomes);
    assert.equal(found.filter((each) => each === "created").length, 1);
    assert.equal(found.filter((each) => each === "pending_resolved").length, 23);
  }
  await assertSound(db);
});

test("many callers send one transfer: it is made once, and exists for the others", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  await fund(db, ["a", "b"], 100n);
  const results = await Promise.all(Array.from({ length: 40 }, () => apply(db, [transfer("once")])));
  const found = results.flatMap(outcomes);
  assert.equal(found.filter((each) => each === "created").length, 1);
  assert.equal(found.filter((each) => each === "exists").length, 39);
  assert.deepEqual(await balances(db, "a"), [10n, 100n, 0n, 0n]);
});

test("transfers in opposite directions never deadlock", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  await fund(db, ["a", "b", "c"], 1_000n);
  const ring = [
    ["a", "b"],
    ["b", "c"],
    ["c", "a"],
    ["b", "a"],
    ["c", "b"],
    ["a", "c"],
  ] as const;
  const results = await Promise.all(
    Array.from({ length: 120 }, (_, index) => {
      const [debitAccount, creditAccount] = ring[index % ring.length] ?? ring[0];
      return apply(db, [transfer(`t${index}`, { debitAccount, creditAccount, amount: 1n })]);
    }),
  );
  assert.deepEqual(new Set(results.flatMap(outcomes)), new Set(["created"]));
  await assertSound(db);
});

test("many callers open the same accounts at once: they stand once, and all transfers count", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const open = [OUTSIDE, org("a"), org("b"), org("c")];
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, index) => {
      const creditAccount = ["a", "b", "c"][index % 3] ?? "a";
      const grant = transfer(`g${index}`, { debitAccount: "outside", creditAccount, amount: 1n });
      return apply(db, [grant], { open: index % 2 === 0 ? open : open.toReversed() });
    }),
  );
  assert.deepEqual(new Set(results.flatMap(outcomes)), new Set(["created"]));
  assert.deepEqual(await balances(db, "outside"), [40n, 0n, 0n, 0n]);
  await assertSound(db);
});

test("two that open the same accounts in opposite order, both held up halfway, do not deadlock", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const holder = await db.begin(BEGIN, []);
  await loadForTransfers(holder.tx, [], NOW, [org("b")]);
  const open = [OUTSIDE, org("a"), org("b"), org("c")];
  const grant = (id: string) => transfer(id, { debitAccount: "outside", creditAccount: "c" });
  const both = Promise.all([
    apply(db, [grant("g1")], { open }),
    apply(db, [grant("g2")], { open: open.toReversed() }),
  ]);
  while ((await db.query(WAITING)).length < 2) await new Promise(setImmediate);
  await holder.tx.rollback();
  assert.deepEqual((await both).map(outcomes), [["created"], ["created"]]);
});

const WAITING = statement(
  "test.waiting",
  "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
);

test("an account stays what it was opened as", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  await fund(db, ["a", "b"], 10n);
  const others: readonly NewAccount[] = [
    { ...org("a"), unit: "usd_cents" },
    { ...org("a"), owner: "org_2" },
    { ...org("a"), kind: "escrow" },
    { ...org("a"), floor: null },
    { ...org("a"), floor: -1n },
  ];
  for (const other of others) {
    await assert.rejects(apply(db, [transfer("t")], { open: [other] }), /account a stands with unit msats/);
  }
  assert.deepEqual(outcomes(await apply(db, [transfer("t")], { open: [org("a")] })), ["created"]);
});

test("an account's transfers are listed newest first, each once, page by page", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  await fund(db, ["a", "b"], 100n);
  for (let index = 0; index < 7; index += 1) {
    const back = { debitAccount: "b", creditAccount: "a" };
    await apply(db, [transfer(`t${index}`, { amount: 1n, ...(index % 2 === 0 ? {} : back) })]);
  }
  const expected = ["t6", "t5", "t4", "t3", "t2", "t1", "t0", "fund:a"];
  for (const limit of [1, 2, 3, 8, 200]) {
    const seen: string[] = [];
    let page = await listAccountTransfers(db, "a", { limit });
    while (page.length > 0) {
      assert.ok(page.length <= limit);
      seen.push(...page.map((each) => each.id));
      page = await listAccountTransfers(db, "a", { limit, beforeSeq: page.at(-1)?.seq ?? 0n });
    }
    assert.deepEqual(seen, expected);
  }
});

test("the service's role can change balances and add transfers, and nothing else", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  await fund(db, ["a", "b"], 10n);
  const refused = [
    "UPDATE ledger.transfers SET amount = 1",
    "DELETE FROM ledger.transfers",
    "TRUNCATE ledger.transfers",
    "DELETE FROM ledger.accounts",
    "UPDATE ledger.accounts SET floor = -100",
    "UPDATE ledger.accounts SET unit = 'usd_cents'",
    "UPDATE ledger.accounts SET owner = 'org_2'",
  ];
  for (const text of refused) await assert.rejects(db.query(statement("", text)), /permission denied/, text);
});

test("the database itself refuses what the rules would never ask for", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  await fund(db, ["a", "b"], 10n);
  await apply(db, [transfer("r", { kind: "pending" })]);
  await apply(db, [transfer("v", { kind: "void", pendingId: "r" })]);
  const insert = (row: string) =>
    `INSERT INTO ledger.transfers (id, kind, debit_account, credit_account, amount, unit, pending_id, receipt_id, created_at_ms)
     VALUES (${row}, 'rcpt_1', 0)`;
  const refused: readonly (readonly [string, RegExp])[] = [
    ["UPDATE ledger.accounts SET debits_posted = 11 WHERE id = 'a'", /accounts_floor/],
    ["UPDATE ledger.accounts SET debits_pending = 11 WHERE id = 'a'", /accounts_floor/],
    ["UPDATE ledger.accounts SET credits_pending = -1 WHERE id = 'a'", /credits_pending_check/],
    [insert("'x', 'posted', 'a', 'b', 0, 'msats', NULL"), /amount_check/],
    [insert("'x', 'posted', 'a', 'a', 1, 'msats', NULL"), /check constraint/],
    [insert("'x', 'posted', 'a', 'nobody', 1, 'msats', NULL"), /missing or has another unit/],
    [insert("'x', 'posted', 'nobody', 'a', 1, 'msats', NULL"), /missing or has another unit/],
    [insert("'x', 'posted', 'a', 'b', 1, 'usd_cents', NULL"), /missing or has another unit/],
    // A batch is checked as a whole: one wrong row among right ones is enough.
    [
      `${insert("'x', 'posted', 'a', 'b', 1, 'msats', NULL")}, ('y', 'posted', 'a', 'nobody', 1, 'msats', NULL, 'rcpt_1', 0)`,
      /missing or has another unit/,
    ],
    [insert("'x', 'post', 'a', 'b', 1, 'msats', NULL"), /check constraint/],
    [insert("'x', 'posted', 'a', 'b', 1, 'msats', 'r'"), /check constraint/],
    [insert("'x', 'post', 'a', 'b', 1, 'msats', 'nothing'"), /pending_id_fkey/],
    [insert("'x', 'post', 'a', 'b', 1, 'msats', 'r'"), /pending_id_key/],
    [insert("'r', 'posted', 'a', 'b', 1, 'msats', NULL"), /transfers_pkey/],
  ];
  for (const [text, constraint] of refused)
    await assert.rejects(db.query(statement("", text)), constraint, text);
});

const NAMES = ["a", "b", "c", "d", "e"] as const;

const small = fc.integer({ min: 0, max: 40 });

/**
 * Five accounts, few ids and small amounts, so that commands meet: the same
 * ids, pendings and last sats. Most fields follow from the id, so that a repeat
 * is one; now and then one does not.
 */
const opening: fc.Arbitrary<TransferRequest> = fc
  .record({ number: small, odd: fc.boolean(), shift: fc.constantFrom(0, 0, 0, 0, 1), linked: fc.boolean() })
  .map(({ number, odd, shift, linked }) => ({
    id: `${odd ? "p" : "r"}${number}`,
    kind: odd ? "posted" : "pending",
    debitAccount: NAMES[number % 5] ?? "a",
    creditAccount: NAMES[(number + 1 + (number % 4)) % 5] ?? "b",
    amount: BigInt(1 + (number % 12) + shift),
    unit: "msats",
    linked: linked && number % 4 === 0,
    ...(odd || number % 3 === 0 ? {} : { expiresAtMs: number % 3 === 1 ? 500 : 5_000 }),
  }));

const resolving: fc.Arbitrary<TransferRequest> = fc
  .record({
    number: small,
    kind: fc.constantFrom("post", "post", "void", "expire"),
    amount: fc.bigInt(1n, 13n),
    linked: fc.boolean(),
  })
  .map(({ number, kind, amount, linked }) => ({
    id: `r${number}:${kind}`,
    kind,
    pendingId: `r${number}`,
    debitAccount: NAMES[number % 5] ?? "a",
    creditAccount: NAMES[(number + 1 + (number % 4)) % 5] ?? "b",
    // Without an amount of its own a post takes all, so that a repeat is one.
    amount: kind === "post" && amount > 9n ? amount : BigInt(1 + (number % 12)),
    unit: "msats",
    linked: linked && number % 4 === 0,
  }));

const command = fc.array(fc.oneof(opening, resolving), { minLength: 1, maxLength: 4 });

/** The names of one run, apart from those of the others in the same database. */
function named(requests: readonly TransferRequest[], prefix: string): TransferRequest[] {
  return requests.map((each) => ({
    ...each,
    id: prefix + each.id,
    debitAccount: prefix + each.debitAccount,
    creditAccount: prefix + each.creditAccount,
    ...(each.pendingId === undefined ? {} : { pendingId: prefix + each.pendingId }),
  }));
}

/** An id raced by two transfers between different accounts: the loser runs again and sees the winner. */
async function applyAgain(
  db: Database,
  requests: readonly TransferRequest[],
): Promise<readonly TransferResult[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await apply(db, requests);
    } catch (error) {
      if (tries === 10 || !isUniqueViolation(error, "transfers_pkey")) throw error;
    }
  }
}

const MET = [
  "created",
  "exists",
  "id_reused",
  "pending_missing",
  "pending_mismatch",
  "pending_resolved",
  "pending_not_expired",
  "amount_over_pending",
  "insufficient_funds",
  "linked_failed",
] as const;

test("random commands from 12 connections at once leave sound books that replay to the same balances", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS, connectionsMax: 12 });
  const seen = new Map<string, number>();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 100, maxLength: 200 }), async (commands) => {
      run += 1;
      const prefix = `${run}:`;
      const accounts = NAMES.map((name) => org(prefix + name));
      const grants = accounts.map(({ id }) =>
        transfer(`${id}:fund`, { debitAccount: "outside", creditAccount: id, amount: 30n }),
      );
      await apply(db, grants, { open: [OUTSIDE, ...accounts] });

      const queue = [...commands];
      const worker = async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          for (const result of outcomes(await applyAgain(db, named(next, prefix)))) {
            seen.set(result, (seen.get(result) ?? 0) + 1);
          }
        }
      };
      await Promise.all(Array.from({ length: 12 }, worker));

      await assertSound(db);
      const stored = await Promise.all(accounts.map(({ id }) => findAccount(db, id)));
      assert.deepEqual(await replay(db, accounts, prefix), stored);
    }),
    { numRuns: 8 },
  );
  // The commands did meet each other, in every way.
  for (const result of MET) assert.ok((seen.get(result) ?? 0) > 0, `${result}: ${JSON.stringify([...seen])}`);
});

/** The stored transfers, in their order, through the pure rules: each must be possible where it stands. */
async function replay(
  db: Database,
  accounts: readonly NewAccount[],
  prefix: string,
): Promise<(Account | undefined)[]> {
  type Row = { id: string };
  const ids = await db.query<Row>(REPLAYED, [`${prefix}%`]);
  const zero = { debitsPosted: 0n, creditsPosted: 0n, debitsPending: 0n, creditsPending: 0n };
  let state: Loaded = {
    accounts: new Map([OUTSIDE, ...accounts].map((each) => [each.id, { ...each, ...zero }])),
    transfers: new Map(),
    resolved: new Set(),
  };
  const stored = new Map(
    (await Promise.all(accounts.map(({ id }) => listAll(db, id)))).flat().map((each) => [each.id, each]),
  );
  for (const { id } of ids) {
    const each = stored.get(id);
    assert.ok(each !== undefined);
    const { seq: _, receiptId: __, createdAtMs, ...requested } = each;
    const plan = planTransfers(state, [requested], createdAtMs);
    assert.deepEqual(plan.results, [{ kind: "created" }], `${id} could not have happened here`);
    state = {
      accounts: plan.accounts,
      transfers: new Map(state.transfers).set(id, requested),
      resolved:
        requested.pendingId === undefined ? state.resolved : new Set(state.resolved).add(requested.pendingId),
    };
  }
  for (const each of state.accounts.values()) assert.ok(each.floor === null || available(each) >= each.floor);
  return accounts.map(({ id }) => state.accounts.get(id));
}

const REPLAYED = statement("test.replayed", "SELECT id FROM ledger.transfers WHERE id LIKE $1 ORDER BY seq");

async function listAll(db: Database, accountId: string) {
  const all = [];
  let page = await listAccountTransfers(db, accountId, { limit: 200 });
  while (page.length > 0) {
    all.push(...page);
    page = await listAccountTransfers(db, accountId, { limit: 200, beforeSeq: page.at(-1)?.seq ?? 0n });
  }
  return all;
}
