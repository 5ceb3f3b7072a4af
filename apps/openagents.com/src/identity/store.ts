// SQL of the identity, beside better-auth's own queries. Rows become domain here.

import { statement, type Queryable } from "@openagents/postgres";
import { parseRole } from "./roles.ts";
import type { Membership, SessionSummary, SignInMethod } from "./session.ts";

export type StoredSession = {
  readonly sessionId: string;
  readonly userId: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly name: string;
  readonly authenticatedAtMs: number;
  readonly expiresAtMs: number;
  readonly methods: readonly SignInMethod[];
  readonly activeOrg: string | undefined;
  readonly memberships: readonly Membership[];
};

const FIND_SESSION = statement(
  "identity.find_session",
  `SELECT s."id", s."userId", s."expiresAt", s."authenticatedAt", s."methods", s."activeOrganizationId",
          u."email", u."emailVerified", u."name",
          (SELECT coalesce(json_agg(json_build_object('orgId', o."id", 'orgName', o."name", 'orgSlug', o."slug",
                                                      'role', m."role", 'personal', o."personal")
                                    ORDER BY o."personal" DESC, o."id"), '[]'::json)
             FROM auth."member" m JOIN auth."organization" o ON o."id" = m."organizationId"
            WHERE m."userId" = u."id") AS memberships
     FROM auth."session" s JOIN auth."user" u ON u."id" = s."userId"
    WHERE s."token" = $1 AND s."expiresAt" > $2`,
);

type SessionRow = {
  readonly id: string;
  readonly userId: string;
  readonly expiresAt: Date;
  readonly authenticatedAt: Date;
  readonly methods: string;
  readonly activeOrganizationId: string | null;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly name: string;
  readonly memberships: readonly (Omit<Membership, "role"> & { readonly role: string })[];
};

export async function findSession(
  q: Queryable,
  storedToken: string,
  nowMs: number,
): Promise<StoredSession | undefined> {
  const [row] = await q.query<SessionRow>(FIND_SESSION, [storedToken, new Date(nowMs)]);
  if (row === undefined) return undefined;
  return {
    sessionId: row.id,
    userId: row.userId,
    email: row.email,
    emailVerified: row.emailVerified,
    name: row.name,
    authenticatedAtMs: row.authenticatedAt.getTime(),
    expiresAtMs: row.expiresAt.getTime(),
    methods: methodsOf(row.methods),
    activeOrg: row.activeOrganizationId ?? undefined,
    memberships: row.memberships.map((each) => ({ ...each, role: parseRole(each.role) })),
  };
}

function methodsOf(column: string): SignInMethod[] {
  return column.split(",") as SignInMethod[];
}

const LIST_SESSIONS = statement(
  "identity.list_sessions",
  `SELECT "id", "createdAt", "expiresAt", "authenticatedAt", "methods", "userAgent", "ipAddress"
     FROM auth."session" WHERE "userId" = $1 AND "expiresAt" > $2
    ORDER BY "id" DESC LIMIT 200`,
);

type SummaryRow = {
  readonly id: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly authenticatedAt: Date;
  readonly methods: string;
  readonly userAgent: string | null;
  readonly ipAddress: string | null;
};

/** The newest first. */
export async function listSessions(q: Queryable, userId: string, nowMs: number): Promise<SessionSummary[]> {
  const rows = await q.query<SummaryRow>(LIST_SESSIONS, [userId, new Date(nowMs)]);
  return rows.map((row) => ({
    sessionId: row.id,
    createdAtMs: row.createdAt.getTime(),
    expiresAtMs: row.expiresAt.getTime(),
    authenticatedAtMs: row.authenticatedAt.getTime(),
    methods: methodsOf(row.methods),
    ...(row.userAgent ? { userAgent: row.userAgent } : {}),
    ...(row.ipAddress ? { address: row.ipAddress } : {}),
  }));
}

const LIST_SESSION_IDS = statement(
  "identity.list_session_ids",
  `SELECT "id" FROM auth."session" WHERE "userId" = $1`,
);

/** Expired ones too: tokens may have been given on their strength a moment ago. */
export async function listSessionIds(q: Queryable, userId: string): Promise<string[]> {
  const rows = await q.query<{ readonly id: string }>(LIST_SESSION_IDS, [userId]);
  return rows.map(({ id }) => id);
}

const HAS_SESSION = statement(
  "identity.has_session",
  `SELECT "id" FROM auth."session" WHERE "id" = $1 AND "userId" = $2`,
);

export async function hasSession(q: Queryable, sessionId: string, userId: string): Promise<boolean> {
  const rows = await q.query(HAS_SESSION, [sessionId, userId]);
  return rows.length > 0;
}

const DELETE_SESSION = statement(
  "identity.delete_session",
  `DELETE FROM auth."session" WHERE "id" = $1 AND "userId" = $2 RETURNING "id"`,
);

export async function deleteSession(q: Queryable, sessionId: string, userId: string): Promise<boolean> {
  const rows = await q.query(DELETE_SESSION, [sessionId, userId]);
  return rows.length > 0;
}

const MAKE_PERSONAL_ORG = statement(
  "identity.make_personal_org",
  `WITH made AS (
     INSERT INTO auth."organization" ("id", "name", "slug", "createdAt", "personal")
     SELECT $2, 'Personal', $3, $5, true
      WHERE NOT EXISTS (SELECT FROM auth."member" m JOIN auth."organization" o ON o."id" = m."organizationId"
                         WHERE m."userId" = $1 AND o."personal")
         ON CONFLICT ("id") DO NOTHING
     RETURNING "id")
   INSERT INTO auth."member" ("id", "organizationId", "userId", "role", "createdAt")
   SELECT $4, "id", $1, 'owner', $5 FROM made`,
);

/** Made once for a user, however many come at once: its id follows from the user's. */
export async function makePersonalOrg(
  q: Queryable,
  org: {
    readonly userId: string;
    readonly orgId: string;
    readonly memberId: string;
    readonly nowMs: number;
  },
): Promise<void> {
  const slug = org.orgId.replaceAll("_", "-");
  await q.query(MAKE_PERSONAL_ORG, [org.userId, org.orgId, slug, org.memberId, new Date(org.nowMs)]);
}

const FIND_PERSONAL_ORG = statement(
  "identity.find_personal_org",
  `SELECT o."id" FROM auth."member" m JOIN auth."organization" o ON o."id" = m."organizationId"
    WHERE m."userId" = $1 AND o."personal" ORDER BY o."id" LIMIT 1`,
);

export async function findPersonalOrg(q: Queryable, userId: string): Promise<string | undefined> {
  const [row] = await q.query<{ readonly id: string }>(FIND_PERSONAL_ORG, [userId]);
  return row?.id;
}

const MAKE_USER = statement(
  "identity.make_user",
  `INSERT INTO auth."user" ("id", "name", "email", "emailVerified", "createdAt", "updatedAt")
   VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING`,
);

export async function makeUser(
  q: Queryable,
  user: {
    readonly id: string;
    readonly name: string;
    readonly email: string;
    readonly emailVerified: boolean;
    readonly nowMs: number;
  },
): Promise<void> {
  await q.query(MAKE_USER, [user.id, user.name, user.email, user.emailVerified, new Date(user.nowMs)]);
}

const INSERT_LINK = statement(
  "identity.insert_link",
  `INSERT INTO auth.sign_in_link (token_hash, user_id, expires_at_ms) VALUES ($1, $2, $3)`,
);

export async function insertLink(
  q: Queryable,
  link: { readonly tokenHash: string; readonly userId: string; readonly expiresAtMs: number },
): Promise<void> {
  await q.query(INSERT_LINK, [link.tokenHash, link.userId, link.expiresAtMs]);
}

const TAKE_LINK = statement(
  "identity.take_link",
  `DELETE FROM auth.sign_in_link WHERE token_hash = $1 RETURNING user_id, expires_at_ms`,
);

/** Whom the link signs in; it is gone afterwards, also when it had expired. */
export async function takeLink(q: Queryable, tokenHash: string, nowMs: number): Promise<string | undefined> {
  const [row] = await q.query<{ readonly user_id: string; readonly expires_at_ms: bigint }>(TAKE_LINK, [
    tokenHash,
  ]);
  return row !== undefined && row.expires_at_ms > BigInt(nowMs) ? row.user_id : undefined;
}

/** What nobody can use any more, in the order in which it may be found. */
const FORGET = [
  statement("identity.forget_throttles", `DELETE FROM auth.throttle WHERE free_at_ms < $1`),
  statement("identity.forget_links", `DELETE FROM auth.sign_in_link WHERE expires_at_ms < $1`),
  statement(
    "identity.forget_codes",
    `DELETE FROM auth."deviceCode" WHERE "expiresAt" < to_timestamp($1::float8 / 1000)`,
  ),
  statement(
    "identity.forget_challenges",
    `DELETE FROM auth."verification" WHERE "expiresAt" < to_timestamp($1::float8 / 1000)`,
  ),
  statement(
    "identity.forget_sessions",
    `DELETE FROM auth."session" WHERE "expiresAt" < to_timestamp($1::float8 / 1000)`,
  ),
];

export async function forgetExpired(q: Queryable, nowMs: number): Promise<void> {
  for (const each of FORGET) await q.query(each, [nowMs]);
}
