import type { FastifyInstance, FastifyRequest } from "fastify";
import type { SessionInfo, SessionSummary } from "./session.ts";

/** What was done to an identity; who did it is `actorId`. */
export type AuditEntry = {
  /** Such as `session.created`: what it was done to, then what was done. */
  readonly action: string;
  readonly occurredAtMs: number;
  /** `usr_…`; `system` where nobody asked for it. */
  readonly actorId: string;
  /** The organisation that may read the entry; only the actor and operators when absent. */
  readonly orgId?: string;
  /** Id of what it was done to. */
  readonly subjectId: string;
  /** The caller's address, as the trusted proxies told it. */
  readonly address?: string;
  /** Never a secret. */
  readonly details?: Readonly<Record<string, string>>;
};

/** Where changes inside better-auth are written down, since they do not pass the one door. */
export type AuditSink = {
  record(entry: AuditEntry): Promise<void>;
};

/** Changes that end rights which were given on the strength of what was before. */
export type IdentityEvents = {
  /** Signed out, revoked or removed: tokens that carry this `sid` must stop working. */
  sessionEnded(ended: { readonly sessionId: string; readonly userId: string }): Promise<void>;
};

export type Identity = {
  /** Mount `/api/auth/*`; before the service listens. */
  register(app: FastifyInstance): void;
  /** Make what must be there before anyone comes; after the service listens. */
  start(): Promise<void>;
  /** Who sent the request, by cookie or by session token; undefined for nobody. An ended session is nobody. */
  resolveSession(request: FastifyRequest): Promise<SessionInfo | undefined>;
  /** Throws 403 unless a session that came by cookie came with its CSRF token and from an allowed origin. */
  assertCsrf(request: FastifyRequest, session: SessionInfo): void;
  /** Whether this call ended the session; false when it had ended, or is another user's. */
  revokeSession(session: { readonly sessionId: string; readonly userId: string }): Promise<boolean>;
  /** Sign the user out everywhere, but for one session where it is named. Answers how many ended. */
  revokeSessionsOf(userId: string, except?: string): Promise<number>;
  listSessions(userId: string): Promise<readonly SessionSummary[]>;
  /**
   * The address of a page that signs in the owner of this laptop, once, within ten
   * minutes. Throws where the service is not for development on loopback.
   */
  createLocalLink(): Promise<{ readonly url: string; readonly expiresAtMs: number }>;
  [Symbol.asyncDispose](): Promise<void>;
};
