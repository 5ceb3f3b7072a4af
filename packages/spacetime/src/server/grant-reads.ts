// The role that the sync server reads streams as: it may do nothing else (INV-06).

import pg from "pg";

/**
 * Let a role that exists read the streams of a database, and nothing but read.
 * As the schema's owner, once its migrations have run. Repeating it changes nothing.
 */
export async function grantStreamReads(ownerUrl: string, role: string): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    const to = pg.escapeIdentifier(role);
    const database = pg.escapeIdentifier(decodeURIComponent(new URL(ownerUrl).pathname.slice(1)));
    await owner.query(`GRANT CONNECT ON DATABASE ${database} TO ${to}`);
    await owner.query(`GRANT USAGE ON SCHEMA sync TO ${to}`);
    await owner.query(`GRANT SELECT ON sync.stream_heads, sync.stream_events TO ${to}`);
  } finally {
    await owner.end();
  }
}
