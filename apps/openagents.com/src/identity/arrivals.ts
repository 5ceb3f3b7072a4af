// Ways in that end at a page of ours: somebody whom we have verified gets a
// session in a cookie, made anew, and is sent on.

import type { FastifyReply, FastifyRequest } from "fastify";
import { SESSION_COOKIE, SESSION_LIFE_S, type BetterAuth } from "./better-auth.ts";
import { callScope } from "./call-scope.ts";
import type { Secrets } from "./secrets.ts";

export type Arrivals = {
  /** `to` is a path of ours. */
  signIn(
    request: FastifyRequest,
    reply: FastifyReply,
    who: { readonly userId: string; readonly method: "link" | "sso"; readonly to: string },
  ): Promise<FastifyReply>;
};

export function createArrivals(deps: {
  readonly auth: () => Promise<BetterAuth>;
  readonly secrets: Secrets;
  readonly addressOf: (request: FastifyRequest) => string;
}): Arrivals {
  return {
    async signIn(request, reply, { userId, method, to }) {
      const { internalAdapter } = await (await deps.auth()).$context;
      const address = deps.addressOf(request);
      const seen = { ipAddress: address, userAgent: request.headers["user-agent"] ?? "" };
      const session = await callScope.run({ address }, () =>
        internalAdapter.createSession(userId, false, { methods: method, ...seen }),
      );
      const cookie = `${SESSION_COOKIE}=${deps.secrets.sealCookie(session.token)}`;
      return reply
        .header("set-cookie", `${cookie}; Max-Age=${SESSION_LIFE_S}; Path=/; HttpOnly; Secure; SameSite=Lax`)
        .header("cache-control", "no-store")
        .header("referrer-policy", "no-referrer")
        .redirect(to, 303);
    },
  };
}
