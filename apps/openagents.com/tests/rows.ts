// A look into the database of a test, past everything that stands in front of it.

import pg from "pg";

/** Every row of the schemas `auth` and `control`, as text: for what must not be found in there. */
export async function everyRow(databaseUrl: string): Promise<string> {
  const { rows: tables } = await query(
    databaseUrl,
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('auth', 'control')`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await query(databaseUrl, `SELECT t::text AS line FROM ${name} t`);
    texts.push(...rows.map(({ line }) => line));
  }
  return texts.join("\n");
}

export async function query(
  databaseUrl: string,
  text: string,
  values: readonly unknown[] = [],
  // oxlint-disable-next-line typescript/no-explicit-any
): Promise<pg.QueryResult<any>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await client.query(text, [...values]);
  } finally {
    await client.end();
  }
}
