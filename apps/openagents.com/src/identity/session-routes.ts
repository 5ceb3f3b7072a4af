// What better-auth has no route for, or one that would show tokens: the CSRF
// token, the list of one's sessions and their end, and how one signs in here.

import { ProblemError, parseJsonBody, requestIdOf } from "@openagents/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { callScope } from "./call-scope.ts";
import { assertOrigin, type Origins } from "./origins.ts";
import type { SessionInfo } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { isBody } from "./surface.ts";

export type SessionRoutesDeps = {
  readonly sessions: Sessions;
  readonly origins: Origins;
  readonly addressOf: (request: FastifyRequest) => string;
  /** Whether people sign in at an identity provider, and so nowhere else. */
  readonly ssoOnly: boolean;
};

export function registerSessionRoutes(scope: FastifyInstance, deps: SessionRoutesDeps): void {
  const signedIn = async (request: FastifyRequest): Promise<SessionInfo> => {
    const session = await deps.sessions.resolveSession(request);
    if (session === undefined) throw notSignedIn();
    if (request.method !== "GET") {
      if (session.presentedBy === "cookie") deps.sessions.assertCsrf(request, session);
      else assertOrigin(deps.origins, request, false);
    }
    return session;
  };

  scope.get("/api/auth/sign-in-options", async (request, reply) =>
    json(request, reply, { methods: deps.ssoOnly ? ["sso"] : ["otp", "passkey"] }),
  );

  scope.get("/api/auth/csrf", async (request, reply) => {
    const session = await signedIn(request);
    return json(request, reply, { csrf_token: deps.sessions.csrfToken(session) });
  });

  scope.get("/api/auth/sessions", async (request, reply) => {
    const { userId, sessionId } = await signedIn(request);
    const sessions = await deps.sessions.listSessions(userId);
    return json(request, reply, {
      sessions: sessions.map((each) => ({
        session_id: each.sessionId,
        current: each.sessionId === sessionId,
        created_at: time(each.createdAtMs),
        authenticated_at: time(each.authenticatedAtMs),
        expires_at: time(each.expiresAtMs),
        methods: each.methods,
        user_agent: each.userAgent,
        address: each.address,
      })),
    });
  });

  scope.post("/api/auth/sessions/revoke", async (request, reply) => {
    const { userId } = await signedIn(request);
    const sessionId = sessionIdOf(request.body);
    const revoked = await callScope.run({ address: deps.addressOf(request) }, () =>
      deps.sessions.revokeSession({ sessionId, userId }),
    );
    if (!revoked) {
      const detail = "You have no such session. `GET /api/auth/sessions` lists those that you have.";
      throw new ProblemError({ status: 404, code: "session_not_found", detail });
    }
    return json(request, reply, { session_id: sessionId, revoked: true });
  });

  scope.post("/api/auth/sign-out-everywhere", async (request, reply) => {
    const { userId } = await signedIn(request);
    const ended = await callScope.run({ address: deps.addressOf(request) }, () =>
      deps.sessions.revokeSessionsOf(userId),
    );
    return json(request, reply, { sessions_ended: ended });
  });
}

function sessionIdOf(body: unknown): string {
  const value: unknown = Buffer.isBuffer(body) ? parseJsonBody(body) : undefined;
  if (isBody(value) && typeof value["session_id"] === "string") return value["session_id"];
  throw new ProblemError({
    status: 400,
    code: "invalid_request",
    detail: 'Send {"session_id": "ses_…"} as application/json.',
  });
}

export function notSignedIn(): ProblemError {
  return new ProblemError({
    status: 401,
    code: "not_signed_in",
    detail: "Nobody is signed in here. Sign in, or send a session token as `Authorization: Bearer …`.",
  });
}

function json(request: FastifyRequest, reply: FastifyReply, body: object): FastifyReply {
  return reply
    .header("content-type", "application/json; charset=utf-8")
    .header("cache-control", "no-store")
    .header("x-request-id", requestIdOf(request))
    .send(JSON.stringify(body));
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
