// Forward-only migrations (INV-09). A file that was applied never changes.

import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import type { Queryable } from "./database.ts";
import { statement } from "./statement.ts";

export type MigrationDirectory = { readonly name: string; readonly path: string };

export type MigrationError = "migration_drift" | "migration_missing" | "migration_name";

/** The schema is not what the files say; nothing is served on it. */
export class MigrationRefused extends Error {
  override readonly name = "MigrationRefused";
  readonly code: MigrationError;

  constructor(code: MigrationError, message: string) {
    super(message);
    this.code = code;
  }
}

type MigrationFile = {
  readonly directory: string;
  readonly file: string;
  readonly sha256: string;
  readonly text: string;
};

type AppliedRow = { readonly directory: string; readonly file: string; readonly sha256: string };

/** Held while migrating, so that two starting services take turns. */
const MIGRATION_LOCK = "7277468115";

/**
 * Apply what is not applied yet, each file in a transaction of its own, in the
 * order of directories and then of names. `:app_role` in a file stands for the
 * service's role. Throws `MigrationRefused` before anything runs when an
 * applied file has changed or vanished, or when a new one comes before it.
 */
export async function migrate(options: {
  readonly url: string;
  readonly directories: readonly MigrationDirectory[];
  readonly appRole: string;
  /** The wall clock when absent. */
  readonly nowMs?: () => number;
}): Promise<{ readonly applied: readonly string[] }> {
  const files = await readMigrations(options.directories);
  const client = new pg.Client({ connectionString: options.url });
  // The query that was running rejects; unheard, the event would end the process as well.
  client.on("error", ignoreLoss);
  await client.connect();
  try {
    await client.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
    await ensureRecord(client, options.appRole);
    const { rows } = await client.query<AppliedRow>("SELECT directory, file, sha256 FROM migrations.applied");
    assertNoDrift(files, rows);
    const done = new Set(rows.map(nameOf));
    const applied: string[] = [];
    for (const file of files.filter((each) => !done.has(nameOf(each)))) {
      await applyFile(client, file, options.appRole, (options.nowMs ?? Date.now)());
      applied.push(nameOf(file));
    }
    return { applied };
  } finally {
    await client.end();
  }
}

const LIST_APPLIED = statement(
  "postgres.list_applied",
  "SELECT directory, file, sha256 FROM migrations.applied",
);

/** Throw `MigrationRefused` unless exactly these files are applied, unchanged. */
export async function assertMigrated(
  q: Queryable,
  directories: readonly MigrationDirectory[],
): Promise<void> {
  const files = await readMigrations(directories);
  const rows = await listApplied(q);
  assertNoDrift(files, rows);
  const done = new Set(rows.map(nameOf));
  const missing = files.find((file) => !done.has(nameOf(file)));
  if (missing !== undefined) {
    throw new MigrationRefused(
      "migration_missing",
      `migration ${nameOf(missing)} is not applied to this database`,
    );
  }
}

const UNDEFINED_TABLE = "42P01";

/** Nothing on a database that was never migrated. */
async function listApplied(q: Queryable): Promise<AppliedRow[]> {
  try {
    return await q.query<AppliedRow>(LIST_APPLIED);
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === UNDEFINED_TABLE) return [];
    throw error;
  }
}

async function readMigrations(directories: readonly MigrationDirectory[]): Promise<MigrationFile[]> {
  const names = directories.map((directory) => directory.name);
  if (new Set(names).size < names.length) {
    throw new MigrationRefused("migration_name", `two directories share a name: ${names.join(", ")}`);
  }
  const files: MigrationFile[] = [];
  for (const { name, path } of directories) {
    const sqlFiles = (await readdir(path)).filter((file) => file.endsWith(".sql")).sort();
    for (const [index, file] of sqlFiles.entries()) {
      if (!/^[0-9]{4}_[a-z0-9_]+\.sql$/.test(file)) {
        throw new MigrationRefused("migration_name", `${join(path, file)} is not named like 0001_what.sql`);
      }
      if (sqlFiles[index - 1]?.slice(0, 4) === file.slice(0, 4)) {
        throw new MigrationRefused("migration_name", `${name} has two files with number ${file.slice(0, 4)}`);
      }
      const text = await readFile(join(path, file), "utf8");
      files.push({ directory: name, file, text, sha256: createHash("sha256").update(text).digest("hex") });
    }
  }
  return files;
}

function assertNoDrift(files: readonly MigrationFile[], applied: readonly AppliedRow[]): void {
  const hashes = new Map(files.map((file) => [nameOf(file), file.sha256]));
  for (const row of applied) {
    const sha256 = hashes.get(nameOf(row));
    if (sha256 === row.sha256) continue;
    throw new MigrationRefused(
      "migration_drift",
      sha256 === undefined
        ? `migration ${nameOf(row)} was applied to this database and is not in this version`
        : `migration ${nameOf(row)} was changed after it was applied; add a new file instead`,
    );
  }
  const done = new Set(applied.map(nameOf));
  for (const file of files) {
    if (done.has(nameOf(file))) continue;
    const later = applied.find((row) => row.directory === file.directory && row.file > file.file);
    if (later === undefined) continue;
    throw new MigrationRefused(
      "migration_drift",
      `migration ${nameOf(file)} comes before ${later.file}, which is applied; give it the next number`,
    );
  }
}

async function ensureRecord(client: pg.Client, appRole: string): Promise<void> {
  await client.query("CREATE SCHEMA IF NOT EXISTS migrations");
  await client.query(
    `CREATE TABLE IF NOT EXISTS migrations.applied (
       directory text NOT NULL, file text NOT NULL, sha256 text NOT NULL, applied_at_ms bigint NOT NULL,
       PRIMARY KEY (directory, file))`,
  );
  await client.query(`GRANT USAGE ON SCHEMA migrations TO ${pg.escapeIdentifier(appRole)}`);
  await client.query(`GRANT SELECT ON migrations.applied TO ${pg.escapeIdentifier(appRole)}`);
}

async function applyFile(
  client: pg.Client,
  file: MigrationFile,
  appRole: string,
  nowMs: number,
): Promise<void> {
  await client.query("BEGIN");
  try {
    // A cast to a type of that name, `::app_role`, stays.
    await client.query(file.text.replaceAll(/(?<!:):app_role\b/g, () => pg.escapeIdentifier(appRole)));
    if (client.getTransactionStatus() !== "T") {
      throw new Error(
        "it ends its own transaction, so it is half applied: take out its COMMIT, repair by hand",
      );
    }
    await client.query("INSERT INTO migrations.applied VALUES ($1, $2, $3, $4)", [
      file.directory,
      file.file,
      file.sha256,
      nowMs,
    ]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(ignoreLoss);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`migration ${nameOf(file)}${lineOf(file.text, error)} failed: ${reason}`, {
      cause: error,
    });
  }
}

function nameOf(row: { readonly directory: string; readonly file: string }): string {
  return `${row.directory}/${row.file}`;
}

/** PostgreSQL counts characters; people look for lines. */
function lineOf(text: string, error: unknown): string {
  if (!(error instanceof pg.DatabaseError) || error.position === undefined) return "";
  return `:${text.slice(0, Number(error.position)).split("\n").length}`;
}

function ignoreLoss(): void {}
