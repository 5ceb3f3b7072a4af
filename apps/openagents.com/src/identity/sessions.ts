// Who a request is from, and the end of sessions.

import { ProblemError } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import type { FastifyRequest } from "fastify";
import { SESSION_COOKIE } from "./better-auth.ts";
import type { Identity, IdentityEvents } from "./identity.ts";
import { assertOrigin, type Origins } from "./origins.ts";
import type { Recorder } from "./recorder.ts";
import type { Secrets } from "./secrets.ts";
import type { SessionInfo } from "./session.ts";
import * as store from "./store.ts";

export type Sessions = Pick<
  Identity,
  "resolveSession" | "assertCsrf" | "revokeSession" | "revokeSessionsOf" | "listSessions"
> & {
  csrfToken(session: SessionInfo): string;
};

export type SessionsDeps = {
  readonly db: Database;
  readonly secrets: Secrets;
  readonly origins: Origins;
  readonly events: IdentityEvents;
  readonly record: Recorder;
  readonly nowMs: () => number;
};

export function createSessions({ db, secrets, origins, events, record, nowMs }: SessionsDeps): Sessions {
  async function end(sessionId: string, userId: string): Promise<boolean> {
    if (!(await store.hasSession(db, sessionId, userId))) return false;
    // Told before it is done: a crash in between leaves a session whose tokens have
    // stopped, and never one that is gone while its tokens go on.
    await events.sessionEnded({ sessionId, userId });
    const ended = await store.deleteSession(db, sessionId, userId);
    if (ended) await record({ action: "session.revoked", actorId: userId, subjectId: sessionId });
    return ended;
  }

  return {
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

    csrfToken: ({ sessionId }) => secrets.csrfToken(sessionId),

    revokeSession: ({ sessionId, userId }) => end(sessionId, userId),

    async revokeSessionsOf(userId, except) {
      let ended = 0;
      for (const id of await store.listSessionIds(db, userId)) {
        if (id !== except && (await end(id, userId))) ended += 1;
      }
      return ended;
    },

    listSessions: (userId) => store.listSessions(db, userId, nowMs()),
  };
}

const BEARER = /^Bearer ([A-Za-z0-9]{32})(\.[A-Za-z0-9+/=%]{1,80})?$/i;

/** The session token of a request. A caller that sends `Authorization` is not also looked for in its cookies. */
function presentedToken(
  request: FastifyRequest,
  secrets: Secrets,
): { readonly token: string; readonly by: "cookie" | "bearer" } | undefined {
  const { authorization, cookie } = request.headers;
  if (authorization !== undefined) {
    const [, token, signature] = BEARER.exec(authorization) ?? [];
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
