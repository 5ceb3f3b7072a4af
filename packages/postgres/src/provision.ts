import pg from "pg";

export type Role = { readonly role: string; readonly password: string };

export type DatabasePlan = {
  readonly database: string;
  /** Owns the schema; migrations run as this role. */
  readonly owner: Role;
  /** What the service runs as. */
  readonly app: Role;
};

/**
 * Make a database and its two roles, or bring their passwords in line. Nobody
 * else may connect to it. Answers both roles' addresses. Repeating it changes nothing.
 */
export async function provisionDatabase(
  adminUrl: string,
  plan: DatabasePlan,
): Promise<{ readonly ownerUrl: string; readonly appUrl: string }> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    for (const { role, password } of [plan.owner, plan.app]) await ensureRole(admin, role, password);
    const database = pg.escapeIdentifier(plan.database);
    const existing = await admin.query("SELECT 1 FROM pg_database WHERE datname = $1", [plan.database]);
    if (existing.rowCount === 0) {
      await admin.query(`CREATE DATABASE ${database} OWNER ${pg.escapeIdentifier(plan.owner.role)}`);
    }
    await admin.query(`REVOKE CONNECT, TEMPORARY ON DATABASE ${database} FROM PUBLIC`);
    await admin.query(`GRANT CONNECT ON DATABASE ${database} TO ${pg.escapeIdentifier(plan.app.role)}`);
  } finally {
    await admin.end();
  }
  return {
    ownerUrl: urlFor(adminUrl, plan.database, plan.owner),
    appUrl: urlFor(adminUrl, plan.database, plan.app),
  };
}

/** Make a role that may log in and nothing else, or bring its password in line. */
export async function provisionRole(adminUrl: string, { role, password }: Role): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await ensureRole(admin, role, password);
  } finally {
    await admin.end();
  }
}

async function ensureRole(admin: pg.Client, role: string, password: string): Promise<void> {
  const existing = await admin.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]);
  const verb = existing.rowCount === 0 ? "CREATE" : "ALTER";
  await admin.query(
    `${verb} ROLE ${pg.escapeIdentifier(role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD ${pg.escapeLiteral(password)}`,
  );
}

/** The same server, another database and role. */
export function urlFor(serverUrl: string, database: string, { role, password }: Role): string {
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  url.username = encodeURIComponent(role);
  url.password = encodeURIComponent(password);
  return url.href;
}
