// Every check of the audit, seen red: as the owner of the tables, who alone can
// take the constraints away that stand before it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  auditLedger,
  loadForTransfers,
  planTransfers,
  postingWrites,
  type NewAccount,
  type TransferRequest,
} from "@openagents/ledger";
import { connect, statement, type Database, type Tx } from "@openagents/postgres";
import { testDatabase } from "@openagents/testing";

const MIGRATIONS = ["authority", "ledger"].map((name) => ({
  name,
  path: fileURLToPath(new URL(`../../${name}/migrations`, import.meta.url)),
}));

const BEGIN = statement("test.begin", "SELECT 1");

const ACCOUNTS: readonly NewAccount[] = [
  { id: "outside", unit: "msats", owner: "operator", kind: "external", floor: null },
  { id: "a", unit: "msats", owner: "org_a", kind: "org", floor: 0n },
  { id: "b", unit: "msats", owner: "org_b", kind: "org", floor: 0n },
];

const REQUESTS: readonly TransferRequest[] = [
  { id: "grant", kind: "posted", debitAccount: "outside", creditAccount: "a", amount: 100n, unit: "msats" },
  { id: "r1", kind: "pending", debitAccount: "a", creditAccount: "b", amount: 30n, unit: "msats" },
  { id: "r2", kind: "pending", debitAccount: "a", creditAccount: "b", amount: 20n, unit: "msats" },
  {
    id: "p1",
    kind: "post",
    debitAccount: "a",
    creditAccount: "b",
    amount: 10n,
    unit: "msats",
    pendingId: "r1",
  },
  {
    id: "v2",
    kind: "void",
    debitAccount: "a",
    creditAccount: "b",
    amount: 20n,
    unit: "msats",
    pendingId: "r2",
  },
];

/** A few sound transfers, all caused by one receipt. */
async function fill(db: Database): Promise<void> {
  const { tx } = await db.begin(BEGIN, []);
  const loaded = await loadForTransfers(tx, REQUESTS, 0, ACCOUNTS);
  const plan = planTransfers(loaded, REQUESTS, 0);
  assert.ok(plan.results.every((result) => result.kind === "created"));
  const receipt = {
    name: "test.insert_receipt",
    text: `INSERT INTO authority.receipts (receipt_id, tenant, schema, subject, body, occurred_at_ms)
           VALUES ('rcpt_1', 'org_a', 'test', 'test', '{}', 0)`,
    values: [],
  };
  await tx.commitWith([...postingWrites(loaded, plan, "rcpt_1"), receipt]);
}

const INSERT = `INSERT INTO ledger.transfers
  (id, kind, debit_account, credit_account, amount, unit, pending_id, receipt_id, created_at_ms) VALUES`;

/** What is done to the books, which checks find it, and what their detail names. */
const TAMPERINGS: readonly {
  readonly what: string;
  readonly sql: readonly string[];
  readonly found: readonly string[];
  readonly names: RegExp;
}[] = [
  {
    what: "a balance raised by one",
    sql: ["UPDATE ledger.accounts SET credits_posted = credits_posted + 1 WHERE id = 'a'"],
    found: ["sum_zero_per_unit", "balances_equal_entries"],
    names: /msats.*a/s,
  },
  {
    what: "money moved between accounts without a transfer",
    sql: [
      "UPDATE ledger.accounts SET credits_posted = credits_posted - 1 WHERE id = 'a'",
      "UPDATE ledger.accounts SET credits_posted = credits_posted + 1 WHERE id = 'b'",
    ],
    found: ["balances_equal_entries"],
    names: /2 violations: a, b/,
  },
  {
    what: "a pending balance forgotten on both sides",
    sql: [
      "UPDATE ledger.accounts SET debits_pending = debits_pending + 5 WHERE id = 'a'",
      "UPDATE ledger.accounts SET credits_pending = credits_pending + 5 WHERE id = 'b'",
    ],
    found: ["balances_equal_entries"],
    names: /2 violations: a, b/,
  },
  {
    what: "a transfer removed",
    sql: ["DELETE FROM ledger.transfers WHERE id = 'grant'"],
    found: ["balances_equal_entries"],
    names: /2 violations: a, outside/,
  },
  {
    what: "a floor raised above the balance",
    sql: [
      "ALTER TABLE ledger.accounts DROP CONSTRAINT accounts_floor",
      "UPDATE ledger.accounts SET floor = 91 WHERE id = 'a'",
    ],
    found: ["no_account_below_floor"],
    names: /1 violations: a/,
  },
  {
    what: "a pending amount released twice",
    sql: [
      "ALTER TABLE ledger.accounts DROP CONSTRAINT accounts_debits_pending_check",
      "ALTER TABLE ledger.accounts DROP CONSTRAINT accounts_credits_pending_check",
      "UPDATE ledger.accounts SET debits_pending = -20 WHERE id = 'a'",
      "UPDATE ledger.accounts SET credits_pending = -20 WHERE id = 'b'",
    ],
    found: ["balances_equal_entries", "no_negative_balance"],
    names: /2 violations: a, b/,
  },
  {
    what: "a transfer between units",
    sql: [
      "DROP TRIGGER transfers_accounts ON ledger.transfers",
      "UPDATE ledger.transfers SET unit = 'usd_cents' WHERE id = 'grant'",
    ],
    found: ["units_agree"],
    names: /1 violations: grant/,
  },
  {
    what: "an account that is gone",
    sql: [
      "DROP TRIGGER transfers_accounts ON ledger.transfers",
      "DELETE FROM ledger.accounts WHERE id = 'b'",
    ],
    found: ["sum_zero_per_unit", "units_agree"],
    names: /4 violations: p1, r1, r2, v2/,
  },
  {
    what: "a reservation resolved twice",
    sql: [
      "DROP INDEX ledger.transfers_pending_id_key",
      `${INSERT} ('v1', 'void', 'a', 'b', 30, 'msats', 'r1', 'rcpt_1', 0)`,
      "ALTER TABLE ledger.accounts DROP CONSTRAINT accounts_debits_pending_check, DROP CONSTRAINT accounts_credits_pending_check",
      "UPDATE ledger.accounts SET debits_pending = -30 WHERE id = 'a'",
      "UPDATE ledger.accounts SET credits_pending = -30 WHERE id = 'b'",
    ],
    found: ["no_negative_balance", "pending_resolved_at_most_once"],
    names: /1 violations: r1/,
  },
  {
    what: "more posted than was reserved, and the balances made to fit",
    sql: [
      "UPDATE ledger.transfers SET amount = 31 WHERE id = 'p1'",
      "UPDATE ledger.accounts SET debits_posted = 31 WHERE id = 'a'",
      "UPDATE ledger.accounts SET credits_posted = 31 WHERE id = 'b'",
    ],
    found: ["resolutions_fit_their_pending"],
    names: /1 violations: p1/,
  },
  {
    what: "less voided than was reserved",
    sql: ["UPDATE ledger.transfers SET amount = 19 WHERE id = 'v2'"],
    found: ["resolutions_fit_their_pending"],
    names: /1 violations: v2/,
  },
  {
    what: "a receipt that is gone",
    sql: ["DELETE FROM authority.receipts"],
    found: ["every_transfer_names_its_receipt"],
    names: /5 violations: grant, p1, r1, r2, v2/,
  },
];

class Undone extends Error {}

/** Run a body and take back everything that it did. */
async function undoing(db: Database, body: (tx: Tx) => Promise<void>): Promise<void> {
  const transaction = db.transaction(async (tx) => {
    await body(tx);
    throw new Undone();
  });
  await assert.rejects(transaction, Undone);
}

test("sound books pass every check, and the audit counts what it looked at", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  assert.deepEqual(
    { ...(await auditLedger(db)), checks: [] },
    { ok: true, accounts: 0, transfers: 0, checks: [] },
  );
  await fill(db);
  const report = await auditLedger(db);
  assert.deepEqual({ ...report, checks: [] }, { ok: true, accounts: 3, transfers: 5, checks: [] });
  assert.ok(report.checks.every((check) => check.ok));
});

test("each kind of tampering is found by the checks that are for it, and each check finds some", async (t) => {
  const { db, ownerUrl } = await testDatabase(t, { directories: MIGRATIONS });
  await fill(db);
  const owner = connect({ url: ownerUrl, applicationName: "test owner" });
  t.after(() => owner.close());
  for (const { what, sql, found, names } of TAMPERINGS) {
    await undoing(owner, async (tx) => {
      for (const text of sql) await tx.query(statement("", text));
      const report = await auditLedger(tx);
      const failed = report.checks.filter((check) => !check.ok);
      assert.equal(report.ok, false, what);
      assert.deepEqual(
        failed.map((check) => check.name),
        found,
        what,
      );
      assert.match(failed.map((check) => check.detail).join("\n"), names, what);
    });
  }
  const report = await auditLedger(owner);
  assert.equal(report.ok, true);
  assert.deepEqual(
    new Set(TAMPERINGS.flatMap(({ found }) => found)),
    new Set(report.checks.map((check) => check.name)),
  );
});

test("the detail of a failed check names five of many and counts all", async (t) => {
  const { db, ownerUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const owner = connect({ url: ownerUrl, applicationName: "test owner" });
  t.after(() => owner.close());
  const many = `INSERT INTO ledger.accounts (id, unit, owner, kind, credits_posted, created_at_ms)
    SELECT 'x' || n, 'msats', 'o', 'org', 1, 0 FROM generate_series(1, 9) AS n`;
  await undoing(owner, async (tx) => {
    await tx.query(statement("", many));
    const found = (await auditLedger(tx)).checks.find((check) => check.name === "balances_equal_entries");
    assert.equal(found?.detail, "9 violations: x1, x2, x3, x4, x5");
  });
  assert.equal((await auditLedger(db)).accounts, 0);
});
