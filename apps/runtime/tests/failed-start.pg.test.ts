// A runtime that does not start says why and holds nothing, so that its process ends.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect, statement } from "@openagents/postgres";
import { MIGRATIONS, createRuntime, type RuntimeConfig } from "@openagents/runtime";
import { silentLogger } from "@openagents/service";
import { testDatabase } from "@openagents/testing";

const CONNECTIONS = statement(
  "test.connections",
  "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
);

test("a runtime whose port is taken, and one whose keys are malformed, leave no connection behind", async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  await assertHoldsNothing(t, { port }, { code: "EADDRINUSE" });
  await assertHoldsNothing(t, { jwks: { keys: JSON.parse("7") } }, /JSON Web Key Set malformed/);
});

async function assertHoldsNothing(
  t: TestContext,
  change: Partial<RuntimeConfig>,
  why: RegExp | { readonly code: string },
): Promise<void> {
  const { url: databaseUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const artifactsDir = await mkdtemp(join(tmpdir(), "oa-artifacts-"));
  t.after(() => rm(artifactsDir, { recursive: true, force: true }));
  const config: RuntimeConfig = {
    host: "127.0.0.1",
    port: 0,
    databaseUrl,
    artifactsDir,
    jwks: { keys: [] },
    issuer: "openagents-test",
    audience: "openagents",
    receiptSigningKey: "11".repeat(32),
    logOrigin: "log.example/test",
    logSigningKey: "22".repeat(32),
    demoGrants: false,
    pushToLoopback: false,
    version: "0.0.0",
    ...change,
  };
  // Nobody disposes of it: who was told that it does not run need not stop it.
  await assert.rejects(createRuntime(config, { log: silentLogger() }).start(), why);
  const db = connect({ url: databaseUrl, applicationName: "test" });
  t.after(() => db.close());
  // A connection that was closed is gone a moment later.
  for (;;) {
    const [row] = await db.query<{ count: number }>(CONNECTIONS, []);
    if (row?.count === 0) return;
  }
}
