// SQL of members and their organisations, over the tables of the identity.

import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { parseRole, type Membership, type Role } from "../identity/index.ts";

export type PersonRecord = {
  readonly userId: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly name: string;
};

export type SessionRecord = {
  readonly sessionId: string;
  readonly userId: string;
  readonly activeOrg: string | undefined;
  readonly expiresAtMs: number;
};

export type Member = {
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly joinedAtMs: number;
};

const FIND_PERSON = statement(
  "orgs.find_person",
  `SELECT "id", "email", "emailVerified", "name" FROM auth."user" WHERE "id" = $1`,
);

export async function findPerson(q: Queryable, userId: string): Promise<PersonRecord | undefined> {
  const [row] = await q.query<{ id: string; email: string; emailVerified: boolean; name: string }>(
    FIND_PERSON,
    [userId],
  );
  if (row === undefined) return undefined;
  return { userId: row.id, email: row.email, emailVerified: row.emailVerified, name: row.name };
}

// A session that is being ended is waited for.
const FIND_SESSION = statement(
  "orgs.find_session",
  `SELECT "id", "userId", "activeOrganizationId", "expiresAt" FROM auth."session" WHERE "id" = $1 FOR SHARE`,
);

type SessionRow = { id: string; userId: string; activeOrganizationId: string | null; expiresAt: Date };

/** A session; it is not ended until the transaction is. */
export async function findSession(tx: Tx, sessionId: string): Promise<SessionRecord | undefined> {
  const [row] = await tx.query<SessionRow>(FIND_SESSION, [sessionId]);
  if (row === undefined) return undefined;
  return {
    sessionId: row.id,
    userId: row.userId,
    activeOrg: row.activeOrganizationId ?? undefined,
    expiresAtMs: row.expiresAt.getTime(),
  };
}

const SET_ACTIVE = statement(
  "orgs.set_active",
  `UPDATE auth."session" SET "activeOrganizationId" = $2, "updatedAt" = $4
    WHERE "id" = $1 AND "userId" = $3 RETURNING "id"`,
);

export async function setActiveOrg(
  tx: Tx,
  { sessionId, userId, org, nowMs }: { sessionId: string; userId: string; org: string; nowMs: number },
): Promise<boolean> {
  return (await tx.query(SET_ACTIVE, [sessionId, org, userId, new Date(nowMs)])).length > 0;
}

// Whatever makes a person a member of something takes turns with the end of the account.
const LOCK_PERSON = statement(
  "orgs.lock_person",
  `SELECT "id", "email", "emailVerified", "name" FROM auth."user" WHERE "id" = $1 FOR UPDATE`,
);

/** A person, who stays until the transaction ends, and becomes a member of nothing else meanwhile. */
export async function lockPerson(tx: Tx, userId: string): Promise<PersonRecord | undefined> {
  const [row] = await tx.query<{ id: string; email: string; emailVerified: boolean; name: string }>(
    LOCK_PERSON,
    [userId],
  );
  if (row === undefined) return undefined;
  return { userId: row.id, email: row.email, emailVerified: row.emailVerified, name: row.name };
}

export type Org = {
  readonly orgId: string;
  readonly name: string;
  readonly slug: string;
  readonly personal: boolean;
};

const LOCK_ORG = statement(
  "orgs.lock",
  `SELECT "id", "name", "slug", "personal" FROM auth."organization" WHERE "id" = $1 FOR NO KEY UPDATE`,
);

/** An organisation; it is called so until the transaction ends. */
export async function lockOrg(tx: Tx, org: string): Promise<Org | undefined> {
  const [row] = await tx.query<{ id: string; name: string; slug: string; personal: boolean }>(LOCK_ORG, [
    org,
  ]);
  if (row === undefined) return undefined;
  return { orgId: row.id, name: row.name, slug: row.slug, personal: row.personal };
}

const INSERT_ORG = statement(
  "orgs.insert",
  `INSERT INTO auth."organization" ("id", "name", "slug", "createdAt", "personal")
   VALUES ($1, $2, $3, $4, false) ON CONFLICT ("slug") DO NOTHING RETURNING "id"`,
);

/** Whether it was made: of many at once with one short name, one is. */
export async function insertOrg(tx: Tx, org: Omit<Org, "personal">, nowMs: number): Promise<boolean> {
  const values = [org.orgId, org.name, org.slug, new Date(nowMs)];
  return (await tx.query(INSERT_ORG, values)).length > 0;
}

// A short name that is not there yet has no row to lock.
const LOCK_SLUG = statement(
  "orgs.lock_slug",
  "SELECT pg_advisory_xact_lock(hashtextextended($1, 46))::text AS locked",
);

const FIND_SLUG = statement("orgs.find_slug", `SELECT "id" FROM auth."organization" WHERE "slug" = $1`);

/** Whose a short name is; until the transaction ends no command gives it to another. */
export async function lockSlug(tx: Tx, slug: string): Promise<string | undefined> {
  await tx.query(LOCK_SLUG, [slug]);
  const [row] = await tx.query<{ id: string }>(FIND_SLUG, [slug]);
  return row?.id;
}

export function markOrgNames({ orgId, name, slug }: Omit<Org, "personal">): Write {
  return {
    name: "orgs.mark_names",
    text: `UPDATE auth."organization" SET "name" = $2, "slug" = $3 WHERE "id" = $1`,
    values: [orgId, name, slug],
  };
}

export function insertMember(member: {
  readonly memberId: string;
  readonly org: string;
  readonly userId: string;
  readonly role: Role;
  readonly nowMs: number;
}): Write {
  return {
    name: "orgs.insert_member",
    text: `INSERT INTO auth."member" ("id", "organizationId", "userId", "role", "createdAt")
           VALUES ($1, $2, $3, $4, $5)`,
    values: [member.memberId, member.org, member.userId, member.role, new Date(member.nowMs)],
  };
}

const LIST_MEMBERSHIPS = statement(
  "orgs.list_memberships",
  `SELECT o."id", o."name", o."slug", o."personal", m."role"
     FROM auth."member" m JOIN auth."organization" o ON o."id" = m."organizationId"
    WHERE m."userId" = $1 ORDER BY o."personal" DESC, o."id" LIMIT 500`,
);

type MembershipRow = { id: string; name: string; slug: string; personal: boolean; role: string };

export async function listMemberships(q: Queryable, userId: string): Promise<Membership[]> {
  const rows = await q.query<MembershipRow>(LIST_MEMBERSHIPS, [userId]);
  return rows.map((row) => ({
    orgId: row.id,
    orgName: row.name,
    orgSlug: row.slug,
    role: parseRole(row.role),
    personal: row.personal,
  }));
}

// A change of the role is waited for, and waits.
const LOCK_MEMBERSHIP = statement(
  "orgs.lock_membership",
  `SELECT "role" FROM auth."member" WHERE "organizationId" = $1 AND "userId" = $2 FOR SHARE`,
);

/** A member's role; it stays so until the transaction ends. */
export async function lockMembership(tx: Tx, org: string, userId: string): Promise<Role | undefined> {
  const [row] = await tx.query<{ role: string }>(LOCK_MEMBERSHIP, [org, userId]);
  return row === undefined ? undefined : parseRole(row.role);
}

const LIST_MEMBERS = statement(
  "orgs.list_members",
  `SELECT u."id", u."email", u."name", m."role", m."createdAt"
     FROM auth."member" m JOIN auth."user" u ON u."id" = m."userId"
    WHERE m."organizationId" = $1 AND m."userId" > $2 ORDER BY m."userId" LIMIT $3`,
);

type MemberRow = { id: string; email: string; name: string; role: string; createdAt: Date };

function memberOf(row: MemberRow): Member {
  return {
    userId: row.id,
    email: row.email,
    name: row.name,
    role: parseRole(row.role),
    joinedAtMs: row.createdAt.getTime(),
  };
}

export async function listMembers(
  q: Queryable,
  org: string,
  after: string,
  limit: number,
): Promise<Member[]> {
  return (await q.query<MemberRow>(LIST_MEMBERS, [org, after, limit])).map(memberOf);
}

// In one order, so that of two owners who step down at once one waits and sees the other gone.
const LOCK_MEMBERS = statement(
  "orgs.lock_members",
  `SELECT u."id", u."email", u."name", m."role", m."createdAt"
     FROM auth."member" m JOIN auth."user" u ON u."id" = m."userId"
    WHERE m."organizationId" = $1 AND (m."userId" = ANY ($2) OR m."role" ~ '(^|,) *owner *(,|$)')
    ORDER BY m."id" FOR UPDATE OF m`,
);

/** Some members, and all owners; they stay so until the transaction ends. */
export async function lockMembers(tx: Tx, org: string, userIds: readonly string[]): Promise<Member[]> {
  return (await tx.query<MemberRow>(LOCK_MEMBERS, [org, userIds])).map(memberOf);
}

export function markRole(org: string, userId: string, role: Role): Write {
  return {
    name: "orgs.mark_role",
    text: `UPDATE auth."member" SET "role" = $3 WHERE "organizationId" = $1 AND "userId" = $2`,
    values: [org, userId, role],
  };
}

export function deleteMember(org: string, userId: string): Write {
  return {
    name: "orgs.delete_member",
    text: `DELETE FROM auth."member" WHERE "organizationId" = $1 AND "userId" = $2`,
    values: [org, userId],
  };
}

/** Of who is a member no more, nobody comes in. */
export function cancelInvitationsOf(org: string, userId: string): Write {
  return {
    name: "orgs.cancel_invitations_of",
    text: `UPDATE auth."invitation" SET "status" = 'canceled'
            WHERE "organizationId" = $1 AND "inviterId" = $2 AND "status" = 'pending'`,
    values: [org, userId],
  };
}
