// The committed schema is what the migrations make, and the service's role can
// change nothing of what was written down for good.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { MIGRATIONS } from "@openagents/control";
import { dumpSchema, statement } from "@openagents/postgres";
import { TEST_APP_ROLE, testDatabase } from "@openagents/testing";

// Rewrite the file with: node --test --test-update-snapshots apps/openagents.com/tests/schema.pg.test.ts
test("the migrations make exactly the schema that is committed", async (t) => {
  const { ownerUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const file = join(import.meta.dirname, "../schema.sql");
  t.assert.fileSnapshot(await dumpSchema(ownerUrl, TEST_APP_ROLE), file, {
    serializers: [(text: string) => text],
  });
});

test("the service's role can change neither the audit, receipts and stream events nor the schema", async (t) => {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const forbidden = [
    "UPDATE control.audit_entries SET action = ''",
    "DELETE FROM control.audit_entries",
    "UPDATE authority.receipts SET body = '{}'",
    "DELETE FROM authority.receipts",
    "UPDATE sync.stream_events SET payload = '{}'",
    "DELETE FROM control.devices",
    "UPDATE control.devices SET public_key = ''",
    "UPDATE migrations.applied SET sha256 = ''",
    "DROP TABLE control.devices",
    "CREATE TABLE control.x ()",
    "ALTER TABLE control.devices DISABLE TRIGGER ALL",
  ];
  for (const text of forbidden) {
    await assert.rejects(
      db.query(statement(`forbidden.${text.length}.${text.slice(0, 20)}`, text)),
      /permission denied|must be owner/,
      text,
    );
  }
});
