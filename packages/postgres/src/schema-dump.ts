// A schema as text, from the catalog: the same schema gives the same text, so
// that a committed dump shows what a migration changes (INV-09).

import pg from "pg";

/** Everything in schemas of our own, one line per thing, sorted. The service's role is called `app_role`. */
export async function dumpSchema(ownerUrl: string, appRole: string): Promise<string> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const sections: string[] = [];
    for (const [title, sql] of SECTIONS) {
      const { rows } = await client.query<{ line: string }>(sql);
      const lines = rows.map((row) =>
        row.line.replaceAll(`"${appRole}"`, "app_role").replaceAll(appRole, "app_role"),
      );
      sections.push(`-- ${title}\n${lines.sort().join("\n")}\n`);
    }
    return sections.join("\n");
  } finally {
    await client.end();
  }
}

const OURS =
  "n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'public', 'migrations')";

const SECTIONS: readonly (readonly [string, string])[] = [
  [
    "tables and columns",
    `SELECT format('%I.%I.%I %s%s%s%s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
              CASE WHEN a.attidentity <> '' THEN ' IDENTITY' ELSE '' END,
              COALESCE(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')) AS line
       FROM pg_attribute a
       JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
       JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
      WHERE a.attnum > 0 AND NOT a.attisdropped AND ${OURS}`,
  ],
  [
    "constraints",
    `SELECT format('%I.%I %I %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)) AS line
       FROM pg_constraint k
       JOIN pg_class c ON c.oid = k.conrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE k.contype <> 'n' AND ${OURS}`,
  ],
  [
    "indexes",
    `SELECT indexdef AS line FROM pg_indexes i JOIN pg_namespace n ON n.nspname = i.schemaname WHERE ${OURS}`,
  ],
  [
    "triggers",
    `SELECT format('%s: %s', pg_get_triggerdef(t.oid), regexp_replace(p.prosrc, '\\s+', ' ', 'g')) AS line
       FROM pg_trigger t
       JOIN pg_proc p ON p.oid = t.tgfoid
       JOIN pg_class c ON c.oid = t.tgrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE NOT t.tgisinternal AND ${OURS}`,
  ],
  [
    "rights",
    `SELECT format('%s ON %I.%I TO %s', g.privilege_type, g.table_schema, g.table_name, g.grantee) AS line
       FROM information_schema.role_table_grants g
       JOIN pg_namespace n ON n.nspname = g.table_schema
      WHERE g.grantee <> g.grantor AND ${OURS}`,
  ],
];
