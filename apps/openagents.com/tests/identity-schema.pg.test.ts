import assert from "node:assert/strict";
import { test } from "node:test";
import { MIGRATIONS } from "@openagents/control";
import { silentLogger } from "@openagents/service";
import { testDatabase } from "@openagents/testing";
import { getMigrations } from "better-auth/db/migration";
import pg from "pg";
import { authOptions, type AuthPorts } from "../src/identity/better-auth.ts";
import { createSecrets } from "../src/identity/secrets.ts";

test("the migrations have made what better-auth expects", async (t) => {
  const { url } = await testDatabase(t, { directories: MIGRATIONS });
  const { missing, warnings } = await compare(url, "auth");
  assert.equal(missing, ";");
  assert.deepEqual(warnings, []);
  const elsewhere = await compare(url, "control");
  assert.match(elsewhere.missing, /create table "session"/, "the comparison sees what is missing");
});

/** The SQL that better-auth would run to have its tables in a schema, and what it does not like there. */
async function compare(url: string, schema: string) {
  const pool = new pg.Pool({ connectionString: url, options: `-c search_path=${schema}`, max: 1 });
  const warnings: string[] = [];
  const secret = "0123456789abcdef".repeat(4);
  const secrets = createSecrets(secret);
  const settings = { secret, secrets, nowMs: Date.now, log: silentLogger() };
  const options = authOptions({ ...settings, publicUrl: "http://localhost:8787" }, NO_PORTS);
  const { compileMigrations } = await getMigrations({
    ...options,
    logger: { level: "warn", log: (_level, message) => void warnings.push(message) },
    database: pool,
  });
  const missing = await compileMigrations();
  await pool.end();
  return { missing, warnings };
}

const nothing = async () => {};

/** The schema is asked for, and nothing is done. */
const NO_PORTS: AuthPorts = {
  sendCode: nothing,
  personalOrg: async () => "",
  userCreated: nothing,
  sessionCreated: nothing,
  sessionEnding: nothing,
};
