// Who is signed in, as the rest of the control service sees it. The types of
// better-auth stop at this folder.

/** How a person proved who they are. `device`: a device that a person let in; no person is at it. */
export type SignInMethod = "otp" | "passkey" | "link" | "sso" | "device";

export const ROLES = ["owner", "admin", "member", "billing", "viewer"] as const;

export type Role = (typeof ROLES)[number];

export type Membership = {
  readonly orgId: string;
  readonly orgName: string;
  readonly orgSlug: string;
  readonly role: Role;
  /** The organisation that a user is alone in from their first day on. */
  readonly personal: boolean;
};

export type SessionInfo = {
  readonly userId: string;
  readonly email: string;
  readonly emailVerified: boolean;
  /** As the person wrote it; empty until then. */
  readonly name: string;
  /** Names the session without giving access to it. */
  readonly sessionId: string;
  readonly authenticatedAtMs: number;
  readonly expiresAtMs: number;
  readonly methods: readonly SignInMethod[];
  /** `cookie`: the browser sent it by itself, so a command also needs `assertCsrf`. */
  readonly presentedBy: "cookie" | "bearer";
  /** One of the memberships. */
  readonly activeOrg: string;
  /** Never empty. */
  readonly memberships: readonly Membership[];
};

/** A session in the list of its owner. */
export type SessionSummary = {
  readonly sessionId: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly authenticatedAtMs: number;
  readonly methods: readonly SignInMethod[];
  readonly userAgent?: string;
  readonly address?: string;
};

/** How long a sign-in counts as one that just happened. */
export const FRESH_MS = 15 * 60_000;

/** Whether a person, and not a device of theirs, has signed in just now: what approvals ask for. */
export function isFresh(session: Pick<SessionInfo, "authenticatedAtMs" | "methods">, nowMs: number): boolean {
  const byPerson = session.methods.some((method) => method !== "device");
  return byPerson && nowMs - session.authenticatedAtMs <= FRESH_MS;
}
