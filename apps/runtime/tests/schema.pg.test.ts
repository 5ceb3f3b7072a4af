// The committed schema is what the migrations make, and a database that differs
// is not served on.

import assert from "node:assert/strict";
import { appendFile, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertMigrated, dumpSchema, migrate, statement } from "@openagents/postgres";
import { MIGRATIONS } from "@openagents/runtime";
import { TEST_APP_ROLE, testDatabase } from "@openagents/testing";

// Rewrite the file with: node --test --test-update-snapshots apps/runtime/tests/schema.pg.test.ts
test("the migrations make exactly the schema that is committed", async (t) => {
  const { ownerUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const file = join(import.meta.dirname, "../schema.sql");
  t.assert.fileSnapshot(await dumpSchema(ownerUrl, TEST_APP_ROLE), file, {
    serializers: [(text: string) => text],
  });
});

test("a migration that changed after it was applied is refused by name, and nothing runs", async (t) => {
  const { ownerUrl, db } = await testDatabase(t, { directories: MIGRATIONS });
  const folder = await mkdtemp(join(tmpdir(), "oa-migrations-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const copies = await Promise.all(
    MIGRATIONS.map(async ({ name, path }) => {
      await cp(path, join(folder, name), { recursive: true });
      return { name, path: join(folder, name) };
    }),
  );
  await appendFile(join(folder, "ledger", "0001_ledger.sql"), "-- changed\n");
  const drift = { code: "migration_drift", message: /ledger\/0001_ledger\.sql/ };
  await assert.rejects(migrate({ url: ownerUrl, directories: copies, appRole: TEST_APP_ROLE }), drift);
  await assert.rejects(assertMigrated(db, copies), drift);
});

test("two services that start at once migrate once", async (t) => {
  const { ownerUrl, db } = await testDatabase(t, { directories: [] });
  const results = await Promise.all(
    Array.from({ length: 4 }, () =>
      migrate({ url: ownerUrl, directories: MIGRATIONS, appRole: TEST_APP_ROLE }),
    ),
  );
  assert.equal(results.filter((result) => result.applied.length > 0).length, 1);
  await assertMigrated(db, MIGRATIONS);
});

test("the service's role can change neither events, transfers and receipts nor the schema", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const forbidden = [
    "UPDATE runtime.run_events SET payload = '{}'",
    "DELETE FROM runtime.run_events",
    "UPDATE ledger.transfers SET amount = 1",
    "DELETE FROM ledger.transfers",
    "DELETE FROM ledger.accounts",
    "UPDATE authority.receipts SET body = '{}'",
    "UPDATE runtime.settlements SET provider_msats = 1",
    "UPDATE migrations.applied SET sha256 = ''",
    "DROP TABLE runtime.runs",
    "CREATE TABLE runtime.mine (x integer)",
  ];
  for (const [index, text] of forbidden.entries()) {
    await assert.rejects(
      db.query(statement(`test.forbidden_${index}`, text)),
      /permission denied|must be owner/,
      text,
    );
  }
});
