// Builds the identity from its parts, and starts and stops what of it runs.

import { ProblemError } from "@openagents/contracts";
import { newId } from "@openagents/authority";
import type { Database } from "@openagents/postgres";
import { startSweep, type Logger } from "@openagents/service";
import type { FastifyReply, FastifyRequest } from "fastify";
import pg from "pg";
import type { ControlConfig } from "../config.ts";
import { inboxPage, type DevelopmentInbox, type Mailer } from "../mail/index.ts";
import { registerAuthRoutes } from "./auth-routes.ts";
import {
  createBetterAuth,
  SESSION_COOKIE,
  SESSION_LIFE_S,
  type AuthPorts,
  type BetterAuth,
} from "./better-auth.ts";
import { callScope } from "./call-scope.ts";
import { createClientAddress } from "./client-address.ts";
import { auditOf } from "./aftermath.ts";
import type { AuditEntry, AuditSink, Identity, IdentityEvents } from "./identity.ts";
import { createLocalLinks, isLocalDevelopment } from "./local-link.ts";
import { assertOrigin, createOrigins, registerCors } from "./origins.ts";
import { createSecrets, type Secrets } from "./secrets.ts";
import type { SessionInfo } from "./session.ts";
import { registerSessionRoutes } from "./session-routes.ts";
import * as store from "./store.ts";
import type { AuthRoute } from "./surface.ts";
import { createThrottle, LIMITS, type Limits } from "./throttle.ts";

export type IdentityDeps = {
  readonly config: Pick<
    ControlConfig,
    | "host"
    | "databaseUrl"
    | "authSecret"
    | "trustedProxies"
    | "allowedOrigins"
    | "workOs"
    | "localOwner"
    | "development"
  >;
  /** Where browsers reach the service; asked after it listens. */
  readonly publicUrl: () => string;
  readonly db: Database;
  readonly mail: { readonly mailer: Mailer; readonly inbox?: DevelopmentInbox };
  readonly audit: AuditSink;
  readonly events: IdentityEvents;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** How often somebody may try; our own limits when absent. */
  readonly limits?: Limits | undefined;
};

/** Connections of better-auth, beside those of the service. */
const CONNECTIONS_MAX = 10;

const FORGETTING_EVERY_MS = 10 * 60_000;

export function createIdentity(deps: IdentityDeps): Identity {
  const { config, publicUrl, db, audit, events, log, nowMs } = deps;
  const secrets = createSecrets(config.authSecret);
  const origins = createOrigins(publicUrl, config.allowedOrigins ?? []);
  const clientAddress = createClientAddress(config.trustedProxies);
  const throttle = createThrottle({ db, secrets, limits: deps.limits ?? LIMITS, nowMs });
  const links = createLocalLinks({ config, db, secrets, publicUrl, nowMs });
  const pool = new pg.Pool({
    connectionString: config.databaseUrl,
    application_name: "control_identity",
    options: "-c search_path=auth",
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 10_000,
  });
  // A connection that dies idle is replaced when the next one is needed.
  pool.on("error", () => {});
  let sweep: AsyncDisposable | undefined;
  let made: Promise<BetterAuth> | undefined;
  const auth = () =>
    (made ??= createBetterAuth(
      { secret: config.authSecret, publicUrl: publicUrl(), secrets, nowMs },
      pool,
      ports(),
    ));

  const addressOf = (request: FastifyRequest): string => {
    const forwarded = request.headers["x-forwarded-for"];
    const hops = Array.isArray(forwarded) ? forwarded.join(",") : forwarded;
    return clientAddress(request.socket.remoteAddress ?? "", hops);
  };

  const record = (entry: Omit<AuditEntry, "occurredAtMs" | "address">) => {
    const address = callScope.getStore()?.address;
    return audit.record({ ...entry, occurredAtMs: nowMs(), ...(address === undefined ? {} : { address }) });
  };

  const endSession = async (sessionId: string, userId: string): Promise<boolean> => {
    // Told before it is done: a crash in between leaves a session whose tokens have
    // stopped, and never one that is gone while its tokens go on.
    await events.sessionEnded({ sessionId, userId });
    const ended = await store.deleteSession(db, sessionId, userId);
    if (ended) await record({ action: "session.revoked", actorId: userId, subjectId: sessionId });
    return ended;
  };

  async function personalOrg(userId: string): Promise<string> {
    const orgId = orgIdOf(userId);
    await store.makePersonalOrg(db, { userId, orgId, memberId: newId("mem", nowMs()), nowMs: nowMs() });
    return (await store.findPersonalOrg(db, userId)) ?? orgId;
  }

  function orgIdOf(userId: string): string {
    if (userId === config.localOwner?.userId) return config.localOwner.orgId;
    return userId.replace(/^usr_/, "org_");
  }

  function ports(): AuthPorts {
    /** better-auth takes a mail that failed for sent; the request that asked for it does not. */
    const send = async (mail: { to: string; subject: string; text: string }) => {
      try {
        await deps.mail.mailer.send(mail);
      } catch (error) {
        log.error({ err: error }, "a mail was not sent");
        const scope = callScope.getStore();
        if (scope !== undefined) scope.mailFailure = error;
        throw error;
      }
    };
    return {
      sendCode: ({ email, code }) =>
        send({
          to: email,
          subject: "Your OpenAgents sign-in code",
          text: `Your sign-in code is ${code}.\n\nIt is good for ten minutes, once. If you have not asked for it, leave it.\n`,
        }),
      sendInvitation: ({ email, id, role, orgName, inviter }) =>
        send({
          to: email,
          subject: `You are invited to ${orgName} on OpenAgents`,
          text: `${inviter} invites you to the organisation ${orgName} as ${role}.\n\nTo accept, sign in with this address at\n${publicUrl()}/invitations/${id}\n`,
        }),
      personalOrg,
      isPersonalOrg: (orgId) => store.isPersonalOrg(db, orgId),
      userCreated: ({ id }) => record({ action: "user.created", actorId: id, subjectId: id }),
      sessionCreated: ({ id, userId }) =>
        record({ action: "session.created", actorId: userId, subjectId: id }),
      async sessionEnding({ id, userId }) {
        await events.sessionEnded({ sessionId: id, userId });
        await record({ action: "session.ended", actorId: userId, subjectId: id });
      },
    };
  }

  async function done(route: AuthRoute, session: SessionInfo | undefined, answer: unknown): Promise<void> {
    const entry = auditOf(route, session, answer);
    if (entry === undefined) return;
    if (route.membership !== undefined && entry.orgId !== undefined)
      await events.membershipChanged({ userId: entry.memberId ?? entry.actorId, orgId: entry.orgId });
    const { memberId: _member, ...plain } = entry;
    await record(plain);
  }

  const identity: Identity = {
    register(app) {
      registerCors(app, origins);
      void app.register(async (scope) => {
        scope.removeAllContentTypeParsers();
        scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, next) => next(null, body));
        const ssoOnly = config.workOs !== undefined;
        registerAuthRoutes(scope, {
          auth,
          publicUrl,
          origins,
          throttle,
          addressOf,
          sessions: identity,
          done,
          ssoOnly,
        });
        const csrfToken = ({ sessionId }: SessionInfo) => secrets.csrfToken(sessionId);
        registerSessionRoutes(scope, { ...identity, csrfToken, origins, ssoOnly });
        if (links !== undefined) scope.get("/sign-in/local", signInLocally);
        const { inbox } = deps.mail;
        if (inbox !== undefined && isLocalDevelopment(config))
          scope.get("/dev/mail", (request, reply) => showInbox(inbox, request, reply));
      });
    },

    async start() {
      await auth();
      const { localOwner } = config;
      if (localOwner !== undefined) {
        const user = {
          id: localOwner.userId,
          name: "",
          email: `${localOwner.userId}@localhost`,
          emailVerified: false,
        };
        await store.makeUser(db, { ...user, nowMs: nowMs() });
        await personalOrg(localOwner.userId);
      }
      const look = () => store.forgetExpired(db, Math.round(nowMs()));
      sweep ??= startSweep({ what: "expired sign-ins", everyMs: FORGETTING_EVERY_MS, log, look });
    },

    async resolveSession(request) {
      const presented = presentedToken(request, secrets);
      if (presented === undefined) return undefined;
      const session = await store.findSession(db, secrets.stored(presented.token), nowMs());
      if (session === undefined) return undefined;
      const { activeOrg, ...rest } = session;
      const active = rest.memberships.find(({ orgId }) => orgId === activeOrg) ?? rest.memberships[0];
      if (active === undefined) return undefined;
      return { ...rest, activeOrg: active.orgId, presentedBy: presented.by };
    },

    assertCsrf(request, session) {
      if (session.presentedBy !== "cookie") return;
      assertOrigin(origins, request, true);
      const token = request.headers["x-csrf-token"];
      if (typeof token === "string" && secrets.isCsrfToken(session.sessionId, token)) return;
      throw new ProblemError({
        status: 403,
        code: "csrf_token_invalid",
        detail: "Send the session's token as `x-csrf-token`; `GET /api/auth/csrf` gives it.",
      });
    },

    revokeSession: ({ sessionId, userId }) => endSession(sessionId, userId),

    async revokeSessionsOf(userId, except) {
      let ended = 0;
      for (const id of await store.listSessionIds(db, userId)) {
        if (id !== except && (await endSession(id, userId))) ended += 1;
      }
      return ended;
    },

    listSessions: (userId) => store.listSessions(db, userId, nowMs()),

    async createLocalLink() {
      if (links === undefined)
        throw new Error("a local link is for the owner of a service of development on loopback");
      return links.create();
    },

    async [Symbol.asyncDispose]() {
      await sweep?.[Symbol.asyncDispose]();
      await pool.end();
      await deps.mail.mailer[Symbol.asyncDispose]();
    },
  };
  return identity;

  async function signInLocally(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const token = new URL(request.url, publicUrl()).searchParams.get("token") ?? "";
    const userId = await links?.redeem(token);
    if (userId === undefined) {
      throw new ProblemError({
        status: 403,
        code: "link_invalid",
        detail: "The link was used or has expired. `openagents open` makes a new one.",
      });
    }
    return signInVerified(request, reply, { userId, methods: "link", to: "/" });
  }

  /** Give the browser a session of somebody whom we have verified, and send it on. */
  async function signInVerified(
    request: FastifyRequest,
    reply: FastifyReply,
    who: { readonly userId: string; readonly methods: "link" | "sso"; readonly to: string },
  ): Promise<FastifyReply> {
    const { internalAdapter } = await (await auth()).$context;
    const address = addressOf(request);
    const seen = { ipAddress: address, userAgent: request.headers["user-agent"] ?? "" };
    const session = await callScope.run({ address }, () =>
      internalAdapter.createSession(who.userId, false, { methods: who.methods, ...seen }),
    );
    const cookie = `${SESSION_COOKIE}=${secrets.sealCookie(session.token)}`;
    return reply
      .header("set-cookie", `${cookie}; Max-Age=${SESSION_LIFE_S}; Path=/; HttpOnly; Secure; SameSite=Lax`)
      .header("cache-control", "no-store")
      .header("referrer-policy", "no-referrer")
      .redirect(who.to, 303);
  }
}

/** The session token of a request. A caller that sends `Authorization` is not also looked for in its cookies. */
function presentedToken(
  request: FastifyRequest,
  secrets: Secrets,
): { readonly token: string; readonly by: "cookie" | "bearer" } | undefined {
  const { authorization, cookie } = request.headers;
  if (authorization !== undefined) {
    const value = /^Bearer ([A-Za-z0-9]{32})(\.[A-Za-z0-9+/=%]{1,80})?$/i.exec(authorization);
    const [, token, signature] = value ?? [];
    if (token === undefined) return undefined;
    // better-auth answers tokens with the signature that its cookie has.
    const good = signature === undefined || secrets.openCookie(decode(token + signature)) === token;
    return good ? { token, by: "bearer" } : undefined;
  }
  for (const part of (cookie ?? "").split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name !== SESSION_COOKIE || value === undefined) continue;
    const token = secrets.openCookie(decode(value));
    return token === undefined ? undefined : { token, by: "cookie" };
  }
  return undefined;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return "";
  }
}

const INBOX_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function showInbox(inbox: DevelopmentInbox, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.header("cache-control", "no-store").header("content-security-policy", INBOX_POLICY);
  if ((request.headers.accept ?? "").includes("application/json")) {
    const mails = inbox
      .list()
      .map(({ sentAtMs, ...mail }) => ({ ...mail, sent_at: new Date(sentAtMs).toISOString() }));
    return reply.header("content-type", "application/json; charset=utf-8").send(JSON.stringify({ mails }));
  }
  return reply.header("content-type", "text/html; charset=utf-8").send(inboxPage(inbox.list()));
}
