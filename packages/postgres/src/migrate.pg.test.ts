import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { TEST_APP_ROLE, testDatabase } from "@openagents/testing";
import {
  MigrationRefused,
  assertMigrated,
  connect,
  migrate,
  statement,
  type Database,
  type MigrationDirectory,
} from "./index.ts";
import type { MigrationError } from "./migrate.ts";

const TABLE = "CREATE SCHEMA shop; CREATE TABLE shop.items (id int PRIMARY KEY, name text NOT NULL);\n";
const GRANT = "GRANT USAGE ON SCHEMA shop TO :app_role; GRANT SELECT ON shop.items TO :app_role;\n";

function directory(t: TestContext, name: string, files: Record<string, string>) {
  const path = mkdtempSync(join(tmpdir(), "migrations-"));
  t.after(() => rmSync(path, { recursive: true }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return { name, path };
}

async function emptyDatabase(t: TestContext) {
  // A template made of no files has the record of migrations and nothing else.
  const { db, ownerUrl } = await testDatabase(t, { directories: [] });
  const owner = connect({ url: ownerUrl, applicationName: "test-owner" });
  t.after(() => owner.close());
  const run = (directories: readonly MigrationDirectory[], nowMs = () => 1_790_000_000_000) =>
    migrate({ url: ownerUrl, directories, appRole: TEST_APP_ROLE, nowMs });
  return { db, owner, ownerUrl, run };
}

const refused = (code: MigrationError, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MigrationRefused);
  assert.equal(error.code, code);
  assert.match(error.message, words);
  return true;
};

async function tables(db: Database): Promise<string[]> {
  const list = statement(
    "test.tables",
    "SELECT tablename::text AS t FROM pg_tables WHERE schemaname = 'shop' ORDER BY 1",
  );
  const rows = await db.query<{ t: string }>(list);
  return rows.map((row) => row.t);
}

test("files are applied once, directories as given and files by number, with the time that is injected", async (t) => {
  const { db, owner, run } = await emptyDatabase(t);
  const later = directory(t, "a_later", {
    "0001_more.sql": "ALTER TABLE shop.items ADD COLUMN price bigint;",
  });
  const first = directory(t, "z_first", { "0002_grant.sql": GRANT, "0001_table.sql": TABLE });
  const { applied } = await run([first, later]);
  assert.deepEqual(applied, ["z_first/0001_table.sql", "z_first/0002_grant.sql", "a_later/0001_more.sql"]);
  assert.deepEqual(await run([first, later]), { applied: [] });
  const times = statement("test.times", "SELECT DISTINCT applied_at_ms AS at FROM migrations.applied");
  assert.deepEqual(await owner.query(times), [{ at: 1_790_000_000_000n }]);
  assert.deepEqual(await db.query(statement("test.read", "SELECT * FROM shop.items")), []);
});

test("the service's role may check the schema but neither change it nor its record", async (t) => {
  const { db, run } = await emptyDatabase(t);
  const directories = [directory(t, "shop", { "0001_table.sql": TABLE, "0002_grant.sql": GRANT })];
  await run(directories);
  await assertMigrated(db, directories);
  for (const text of ["DELETE FROM migrations.applied", "DROP TABLE shop.items", "CREATE TABLE shop.x ()"]) {
    await assert.rejects(db.query(statement(`test.${text.slice(0, 4).toLowerCase()}`, text)), {
      code: "42501",
    });
  }
});

test("of two migrators at once, one applies everything and the other nothing", async (t) => {
  const { run } = await emptyDatabase(t);
  const slow = "SELECT pg_sleep(0.1);";
  const directories = [
    directory(t, "shop", { "0001_table.sql": TABLE + slow, "0002_grant.sql": GRANT + slow }),
  ];
  const results = await Promise.all([run(directories), run(directories), run(directories)]);
  assert.deepEqual(
    results.map((result) => result.applied.length).sort((a, b) => a - b),
    [0, 0, 2],
  );
});

test("an applied file that changed, even by a blank, stops migration and start", async (t) => {
  const { db, owner, run } = await emptyDatabase(t);
  const directories = [directory(t, "shop", { "0001_table.sql": TABLE })];
  await run(directories);
  const changed = [
    directory(t, "shop", { "0001_table.sql": `${TABLE} `, "0002_more.sql": "CREATE TABLE shop.more ();" }),
  ];
  await assert.rejects(run(changed), refused("migration_drift", /shop\/0001_table\.sql was changed/));
  await assert.rejects(
    assertMigrated(db, changed),
    refused("migration_drift", /shop\/0001_table\.sql was changed/),
  );
  assert.deepEqual(await tables(owner), ["items"]);
});

test("an applied file that vanished stops migration and start", async (t) => {
  const { db, run } = await emptyDatabase(t);
  await run([directory(t, "shop", { "0001_table.sql": TABLE, "0002_grant.sql": GRANT })]);
  const less = [directory(t, "shop", { "0001_table.sql": TABLE })];
  await assert.rejects(run(less), refused("migration_drift", /shop\/0002_grant\.sql .*not in this version/));
  await assert.rejects(assertMigrated(db, less), refused("migration_drift", /shop\/0002_grant\.sql/));
  await assert.rejects(assertMigrated(db, []), refused("migration_drift", /shop\/000[12]/));
});

test("a file that arrives before one that is applied is refused: order would differ between databases", async (t) => {
  const { run } = await emptyDatabase(t);
  await run([directory(t, "shop", { "0002_table.sql": TABLE })]);
  const earlier = [directory(t, "shop", { "0001_early.sql": "SELECT 1;", "0002_table.sql": TABLE })];
  await assert.rejects(
    run(earlier),
    refused("migration_drift", /0001_early\.sql comes before 0002_table\.sql/),
  );
});

test("start is refused while a file is missing, and on a database that was never migrated", async (t) => {
  const { db, ownerUrl, run } = await emptyDatabase(t);
  await run([directory(t, "shop", { "0001_table.sql": TABLE })]);
  const more = [directory(t, "shop", { "0001_table.sql": TABLE, "0002_grant.sql": GRANT })];
  await assert.rejects(assertMigrated(db, more), refused("migration_missing", /shop\/0002_grant\.sql/));
  const owner = connect({ url: ownerUrl, applicationName: "test-owner" });
  t.after(() => owner.close());
  await owner.query(statement("test.drop", "DROP SCHEMA migrations CASCADE"));
  await assert.rejects(assertMigrated(db, more), refused("migration_missing", /shop\/0001_table\.sql/));
});

test("a file that fails leaves nothing of itself, keeps those before it, and is named with its line", async (t) => {
  const { owner, run } = await emptyDatabase(t);
  const bad = "CREATE TABLE shop.half (id int);\n\nSELECT nonsense;\n";
  const directories = [directory(t, "shop", { "0001_table.sql": TABLE, "0002_bad.sql": bad })];
  await assert.rejects(run(directories), /shop\/0002_bad\.sql:3 failed: .*nonsense/);
  assert.deepEqual(await tables(owner), ["items"]);
  const repaired = [
    directory(t, "shop", { "0001_table.sql": TABLE, "0002_bad.sql": "CREATE TABLE shop.half ();" }),
  ];
  assert.deepEqual((await run(repaired)).applied, ["shop/0002_bad.sql"]);
});

test("a file that ends its own transaction is refused", async (t) => {
  const { run } = await emptyDatabase(t);
  await assert.rejects(
    run([directory(t, "shop", { "0001_commit.sql": "COMMIT; CREATE SCHEMA shop;" })]),
    /0001_commit\.sql failed: it ends its own transaction/,
  );
});

test("names that have no order or share a number are refused before anything runs", async (t) => {
  const { run } = await emptyDatabase(t);
  const names = [{ "1_table.sql": TABLE }, { "0001_a.sql": TABLE, "0001_b.sql": "SELECT 1;" }];
  for (const files of names) {
    await assert.rejects(run([directory(t, "shop", files)]), refused("migration_name", /0001|0001_what/));
  }
  const shop = directory(t, "shop", { "0001_table.sql": TABLE });
  await assert.rejects(run([shop, shop]), refused("migration_name", /share a name/));
});

test("a role with any name takes the placeholder's place, and casts stay casts", async (t) => {
  const { owner, ownerUrl } = await emptyDatabase(t);
  const text = `${TABLE}CREATE DOMAIN shop.app_role AS int; SET LOCAL search_path = shop;
    INSERT INTO shop.items VALUES ('7'::app_role, 'x');`;
  await migrate({
    url: ownerUrl,
    directories: [directory(t, "shop", { "0001_t.sql": text })],
    appRole: TEST_APP_ROLE,
  });
  assert.deepEqual(await owner.query(statement("test.id", "SELECT id FROM shop.items")), [{ id: 7 }]);
});
