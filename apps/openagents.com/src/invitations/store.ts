// SQL of invitations, over the tables of the identity.

import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { parseRole, type Role } from "../identity/index.ts";

export type Invitation = {
  readonly invitationId: string;
  readonly org: string;
  /** In lower case. */
  readonly email: string;
  readonly role: Role;
  readonly status: "pending" | "accepted" | "rejected" | "canceled";
  readonly expiresAtMs: number;
  readonly inviter: string;
};

type InvitationRow = {
  id: string;
  organizationId: string;
  email: string;
  role: string | null;
  status: Invitation["status"];
  expiresAt: Date;
  inviterId: string;
};

const LOCK = statement(
  "invitations.lock",
  `SELECT "id", "organizationId", "email", "role", "status", "expiresAt", "inviterId"
     FROM auth."invitation" WHERE "id" = $1 FOR UPDATE`,
);

/** Whoever answers it, or takes it back, waits for the others. */
export async function lockInvitation(tx: Tx, invitationId: string): Promise<Invitation | undefined> {
  const [row] = await tx.query<InvitationRow>(LOCK, [invitationId]);
  if (row === undefined) return undefined;
  return {
    invitationId: row.id,
    org: row.organizationId,
    email: row.email.toLowerCase(),
    role: parseRole(row.role ?? "viewer"),
    status: row.status,
    expiresAtMs: row.expiresAt.getTime(),
    inviter: row.inviterId,
  };
}

// Two at once would each count the invitations before the other's.
const LOCK_ORG = statement(
  "invitations.lock_org",
  "SELECT pg_advisory_xact_lock(hashtextextended($1, 47))::text AS locked",
);

const STANDING = statement(
  "invitations.standing",
  `SELECT (SELECT count(*)::int FROM auth."invitation"
            WHERE "organizationId" = $1 AND "status" = 'pending' AND "expiresAt" > $5
              AND lower("email") <> $2) AS waiting,
          (SELECT count(*)::int FROM auth."invitation" WHERE "inviterId" = $3 AND "createdAt" > $4) AS recent,
          EXISTS (SELECT FROM auth."member" m JOIN auth."user" u ON u."id" = m."userId"
                   WHERE m."organizationId" = $1 AND lower(u."email") = $2) AS is_member`,
);

/** What stands against another invitation; none is added to the organisation until the transaction ends. */
export async function lockStanding(
  tx: Tx,
  about: {
    readonly org: string;
    readonly email: string;
    readonly inviter: string;
    readonly sinceMs: number;
    readonly nowMs: number;
  },
): Promise<{ readonly waiting: number; readonly recent: number; readonly isMember: boolean }> {
  await tx.query(LOCK_ORG, [about.org]);
  const values = [about.org, about.email, about.inviter, new Date(about.sinceMs), new Date(about.nowMs)];
  const [row] = await tx.query<{ waiting: number; recent: number; is_member: boolean }>(STANDING, values);
  return { waiting: row?.waiting ?? 0, recent: row?.recent ?? 0, isMember: row?.is_member ?? false };
}

/** One address has one invitation that waits. */
export function replaceInvitation(invitation: Invitation, nowMs: number): Write[] {
  const { invitationId, org, email, role, expiresAtMs, inviter } = invitation;
  return [
    {
      name: "invitations.cancel_earlier",
      text: `UPDATE auth."invitation" SET "status" = 'canceled'
              WHERE "organizationId" = $1 AND lower("email") = $2 AND "status" = 'pending'`,
      values: [org, email],
    },
    {
      name: "invitations.insert",
      text: `INSERT INTO auth."invitation"
               ("id", "organizationId", "email", "role", "status", "expiresAt", "createdAt", "inviterId")
             VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7)`,
      values: [invitationId, org, email, role, new Date(expiresAtMs), new Date(nowMs), inviter],
    },
  ];
}

export function markInvitation(invitationId: string, status: Invitation["status"]): Write {
  return {
    name: "invitations.mark",
    text: `UPDATE auth."invitation" SET "status" = $2 WHERE "id" = $1`,
    values: [invitationId, status],
  };
}

export type InvitationMail = {
  readonly email: string;
  readonly role: string;
  readonly orgName: string;
  readonly inviterEmail: string;
};

const FIND_MAIL = statement(
  "invitations.find_mail",
  `SELECT i."email", coalesce(i."role", 'viewer') AS role, o."name" AS org_name, u."email" AS inviter_email
     FROM auth."invitation" i
     JOIN auth."organization" o ON o."id" = i."organizationId"
     JOIN auth."user" u ON u."id" = i."inviterId"
    WHERE i."id" = $1 AND i."status" = 'pending' AND i."expiresAt" > $2`,
);

/** What the mail of an invitation says; undefined for one that waits no more. */
export async function findInvitationMail(
  q: Queryable,
  invitationId: string,
  nowMs: number,
): Promise<InvitationMail | undefined> {
  const [row] = await q.query<{ email: string; role: string; org_name: string; inviter_email: string }>(
    FIND_MAIL,
    [invitationId, new Date(nowMs)],
  );
  if (row === undefined) return undefined;
  return { email: row.email, role: row.role, orgName: row.org_name, inviterEmail: row.inviter_email };
}
