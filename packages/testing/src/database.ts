// A real PostgreSQL database for one test, cloned from a migrated template in
// some 50 ms and dropped afterwards.

import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import {
  connect,
  migrate,
  provisionDatabase,
  startEmbeddedPostgres,
  urlFor,
  type Database,
  type EmbeddedPostgres,
  type MigrationDirectory,
} from "@openagents/postgres";
import pg from "pg";

export type TestDatabase = {
  /** As the service's role. */
  readonly db: Database;
  readonly url: string;
  /** As the role that owns the schema. */
  readonly ownerUrl: string;
  /** As the server's superuser, on this database. */
  readonly adminUrl: string;
};

export const TEST_APP_ROLE = "oa_test_app";

const OWNER = { role: "oa_test_owner", password: "owner" };
const APP = { role: TEST_APP_ROLE, password: "app" };

/** Taken while a template is made, so that test files side by side make it once. */
const TEMPLATE_LOCK = "7277468116";

/** A migrated database of this test's own. */
export async function testDatabase(
  t: TestContext,
  options: { readonly directories: readonly MigrationDirectory[]; readonly connectionsMax?: number },
): Promise<TestDatabase> {
  const serverUrl = await testServerUrl();
  const template = `oa_template_${hashOf(options.directories)}`;
  const database = `oa_test_${randomBytes(8).toString("hex")}`;
  await withAdmin(serverUrl, async (admin) => {
    await admin.query(`SELECT pg_advisory_lock(${TEMPLATE_LOCK})`);
    await ensureTemplate(admin, serverUrl, template, options.directories);
    await admin.query(`CREATE DATABASE ${database} TEMPLATE ${template} OWNER ${OWNER.role}`);
    await admin.query(`SELECT pg_advisory_unlock(${TEMPLATE_LOCK})`);
  });
  const url = urlFor(serverUrl, database, APP);
  const max = options.connectionsMax;
  const db = connect({ url, applicationName: "test", ...(max === undefined ? {} : { connectionsMax: max }) });
  t.after(async () => {
    await db.close();
    await withAdmin(serverUrl, (admin) => admin.query(`DROP DATABASE ${database} WITH (FORCE)`));
  });
  const adminUrl = new URL(serverUrl);
  adminUrl.pathname = `/${database}`;
  return { db, url, ownerUrl: urlFor(serverUrl, database, OWNER), adminUrl: adminUrl.href };
}

async function ensureTemplate(
  admin: pg.Client,
  serverUrl: string,
  template: string,
  directories: readonly MigrationDirectory[],
): Promise<void> {
  const existing = await admin.query("SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate", [
    template,
  ]);
  if (existing.rowCount !== 0) return;
  await admin.query(`DROP DATABASE IF EXISTS ${template}`);
  const { ownerUrl } = await provisionDatabase(serverUrl, { database: template, owner: OWNER, app: APP });
  await migrate({ url: ownerUrl, directories, appRole: APP.role });
  await admin.query(`ALTER DATABASE ${template} IS_TEMPLATE true`);
}

let server: Promise<EmbeddedPostgres> | undefined;

/** The server of this test run, or one of this process's own where a file is run by itself. */
async function testServerUrl(): Promise<string> {
  const given = process.env["OPENAGENTS_TEST_POSTGRES"];
  if (given !== undefined) return given;
  server ??= startOwnServer();
  return (await server).adminUrl;
}

async function startOwnServer(): Promise<EmbeddedPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "oa-test-postgres-"));
  return startEmbeddedPostgres({ dataDir: join(folder, "data") });
}

// Of the whole file: runs when its last test has ended.
after(async () => {
  await (await server)?.stop();
});

async function withAdmin<T>(serverUrl: string, body: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    return await body(admin);
  } finally {
    await admin.end();
  }
}

function hashOf(directories: readonly MigrationDirectory[]): string {
  const hash = createHash("sha256");
  for (const { name, path } of directories) {
    for (const file of readdirSync(path).sort())
      hash.update(`${name}/${file}\0`).update(readFileSync(join(path, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
