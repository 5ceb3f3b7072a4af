// SQL of the end of an account, over the tables of the identity and of access.

import { statement, type Queryable, type Tx } from "@openagents/postgres";

// In the order in which a token's making takes them: refresh family, session, device, and
// the membership last. Whoever took them the other way round would be in each other's way.
const LOCK_ACCESS = [
  statement(
    "account.lock_families",
    "SELECT sid FROM control.refresh_families WHERE user_id = $1 ORDER BY sid FOR UPDATE",
  ),
  statement(
    "account.lock_sessions",
    `SELECT "id" FROM auth."session" WHERE "userId" = $1 ORDER BY "id" FOR UPDATE`,
  ),
  statement(
    "account.lock_devices",
    "SELECT device_id FROM control.devices WHERE owner_user_id = $1 ORDER BY device_id FOR UPDATE",
  ),
];

/** What the person's tokens are made of; none is made until the transaction ends. */
export async function lockAccess(tx: Tx, userId: string): Promise<void> {
  for (const each of LOCK_ACCESS) await tx.query(each, [userId]);
}

const COUNT = statement(
  "account.count_members",
  `SELECT "organizationId" AS org, count(*)::int AS members,
          count(*) FILTER (WHERE "role" ~ '(^|,) *owner *(,|$)')::int AS owners
     FROM auth."member" WHERE "organizationId" = ANY ($1) GROUP BY 1`,
);

export async function countMembers(
  q: Queryable,
  orgs: readonly string[],
): Promise<ReadonlyMap<string, { readonly members: number; readonly owners: number }>> {
  const rows = await q.query<{ org: string; members: number; owners: number }>(COUNT, [orgs]);
  return new Map(rows.map(({ org, members, owners }) => [org, { members, owners }]));
}

const OPEN_SPENDS = statement(
  "account.count_open_spends",
  `SELECT count(*)::int AS spends FROM control.autopilot_spends s JOIN control.autopilots a USING (autopilot_id)
    WHERE s.status = 'reserved' AND (a.owner = $1 OR a.org = ANY ($2))`,
);

/** Of autopilots of the person, and of all in organisations that end. */
export async function countOpenSpends(tx: Tx, userId: string, closed: readonly string[]): Promise<number> {
  const [row] = await tx.query<{ spends: number }>(OPEN_SPENDS, [userId, closed]);
  return row?.spends ?? 0;
}

const KEYS = statement(
  "account.list_keys",
  "SELECT key_id FROM control.api_keys WHERE org = ANY ($1) AND revoked_at_ms IS NULL ORDER BY 1 FOR UPDATE",
);

export async function listKeysOfOrgs(tx: Tx, orgs: readonly string[]): Promise<string[]> {
  return (await tx.query<{ key_id: string }>(KEYS, [orgs])).map(({ key_id }) => key_id);
}

const REVOKE_DEVICES = statement(
  "account.revoke_devices",
  `UPDATE control.devices SET status = 'revoked', status_at_ms = $3
    WHERE (owner_user_id = $1 OR org = ANY ($2)) AND status <> 'revoked' RETURNING device_id`,
);

export async function revokeDevices(
  tx: Tx,
  userId: string,
  closed: readonly string[],
  nowMs: number,
): Promise<string[]> {
  const rows = await tx.query<{ device_id: string }>(REVOKE_DEVICES, [userId, closed, nowMs]);
  return rows.map(({ device_id }) => device_id).sort();
}

export type EndedAccount = {
  readonly userId: string;
  readonly email: string;
  readonly closed: readonly string[];
  readonly devices: readonly string[];
  readonly keys: readonly string[];
  readonly nowMs: number;
};

const SESSIONS = statement(
  "account.delete_sessions",
  `DELETE FROM auth."session" WHERE "userId" = $1 RETURNING "id"`,
);

const END_KEYS = statement(
  "account.revoke_keys",
  "UPDATE control.api_keys SET revoked_at_ms = $2, name = '' WHERE key_id = ANY ($1)",
);
const END_FAMILIES = statement(
  "account.delete_families",
  "DELETE FROM control.refresh_families WHERE user_id = $1",
);
const END_CODES = statement(
  "account.delete_codes",
  `DELETE FROM auth."verification" WHERE strpos("identifier", $1) > 0`,
);
const END_DEVICE_CODES = statement(
  "account.delete_device_codes",
  `DELETE FROM auth."deviceCode" WHERE "userId" = $1`,
);
const END_INVITATIONS = statement(
  "account.delete_invitations",
  `DELETE FROM auth."invitation" WHERE lower("email") = $1`,
);
const END_SECRETS = statement(
  "account.delete_secrets",
  "DELETE FROM control.integrations WHERE org = ANY ($1) OR owner = $2",
);
// With all that was read from them.
const END_MAILBOXES = statement(
  "account.delete_mailboxes",
  "DELETE FROM control.mailboxes WHERE org = ANY ($1) OR user_id = $2",
);
const END_AUTHORIZATIONS = statement(
  "account.delete_authorizations",
  "DELETE FROM control.oauth_states WHERE org = ANY ($1) OR user_id = $2",
);
// Before the person: an organisation that is there has an owner.
const END_ORGS = statement("account.delete_orgs", `DELETE FROM auth."organization" WHERE "id" = ANY ($1)`);
const END_PERSON = statement("account.delete_person", `DELETE FROM auth."user" WHERE "id" = $1`);
const ASK_ERASURE = statement(
  "account.ask_erasure",
  `INSERT INTO control.erasures (user_id, closed_orgs, asked_at_ms) VALUES ($1, $2, $3)`,
);

/** All that gives access goes, and the person's row with it. Answers the sessions that ended. */
export async function endAccount(tx: Tx, account: EndedAccount): Promise<string[]> {
  const { userId, closed, nowMs } = account;
  const email = account.email.toLowerCase();
  const sessions = await tx.query<{ id: string }>(SESSIONS, [userId]);
  await tx.query(END_FAMILIES, [userId]);
  await tx.query(END_KEYS, [account.keys, nowMs]);
  await tx.query(END_CODES, [email]);
  await tx.query(END_DEVICE_CODES, [userId]);
  await tx.query(END_INVITATIONS, [email]);
  await tx.query(END_SECRETS, [closed, userId]);
  await tx.query(END_MAILBOXES, [closed, userId]);
  await tx.query(END_AUTHORIZATIONS, [closed, userId]);
  await tx.query(END_ORGS, [closed]);
  await tx.query(END_PERSON, [userId]);
  await tx.query(ASK_ERASURE, [userId, closed, nowMs]);
  return sessions.map(({ id }) => id).sort();
}
