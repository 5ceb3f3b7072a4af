// `POST /api/auth/token` and what belongs to it. In the manner of OAuth (RFC 6749,
// RFC 8693), in JSON, and without a contract of ours, as all of `/api/auth/*`.

import { ProblemError, parseJsonBody, requestIdOf } from "@openagents/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { deviceIdOf, type Challenges } from "../devices/index.ts";
import type { Identity } from "../identity/index.ts";
import type { Granted, Grants, Narrowing } from "./grants.ts";
import type { Signer } from "./signer.ts";

export type TokenRoutesDeps = {
  readonly identity: Pick<Identity, "resolveSession" | "assertCsrf">;
  readonly grants: Grants;
  readonly challenges: Challenges;
  readonly signer: Signer;
  readonly nowMs: () => number;
};

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

export function registerTokenRoutes(app: FastifyInstance, deps: TokenRoutesDeps): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "application/json",
      { parseAs: "buffer", bodyLimit: 32_768 },
      (_request, body, done) => {
        try {
          done(null, parseJsonBody(Buffer.from(body)));
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      },
    );

    scope.get("/api/auth/jwks", async (request, reply) =>
      // Long enough to spare fetches, short enough for a rotation's overlap.
      answer(request, reply.header("cache-control", "public, max-age=60"), deps.signer.jwks),
    );

    scope.post("/api/auth/token/challenge", async (request, reply) => {
      const publicKey = hexField(bodyOf(request), "public_key", 64);
      const { challenge, expiresAtMs } = deps.challenges.issue({ kind: "token" }, publicKey, deps.nowMs());
      const expires_at = new Date(expiresAtMs).toISOString();
      return answer(request, noStore(reply), { challenge, expires_at, device_id: deviceIdOf(publicKey) });
    });

    scope.post("/api/auth/token", async (request, reply) => {
      const granted = await grant(deps, request, bodyOf(request));
      return answer(request, noStore(reply), tokenAnswer(granted));
    });
  });
}

type Body = Readonly<Record<string, unknown>>;

async function grant(deps: TokenRoutesDeps, request: FastifyRequest, body: Body): Promise<Granted> {
  const { identity, grants } = deps;
  const narrowing = narrowingOf(body);
  switch (textField(body, "grant_type")) {
    case "session": {
      const session = await identity.resolveSession(request);
      if (session === undefined) throw notSignedIn();
      // Throws where a page of elsewhere made the browser send it.
      if (session.presentedBy === "cookie") identity.assertCsrf(request, session);
      return grants.session(session, narrowing);
    }
    case "refresh_token": {
      const key = request.headers["idempotency-key"];
      const repeatable = typeof key === "string" && key.length >= 16 && key.length <= 200 ? key : undefined;
      return grants.refresh(textField(body, "refresh_token"), repeatable, narrowing);
    }
    case "api_key":
      return grants.apiKey(textField(body, "api_key"), narrowing);
    case "device": {
      const publicKey = hexField(body, "public_key", 64);
      const signature = hexField(body, "signature", 128);
      const challenge = textField(body, "challenge");
      return grants.device({ publicKey, deviceId: deviceIdOf(publicKey), challenge, signature }, narrowing);
    }
    case EXCHANGE:
      return grants.exchange({
        subjectToken: textField(body, "subject_token"),
        actorToken: textField(body, "actor_token"),
        audience: textField(body, "audience"),
        method: textField(body, "method"),
      });
    default:
      throw new ProblemError({
        status: 400,
        code: "unsupported_grant_type",
        detail: `\`grant_type\` is \`session\`, \`refresh_token\`, \`api_key\`, \`device\` or \`${EXCHANGE}\`.`,
      });
  }
}

function tokenAnswer({ accessToken, expiresInS, scopes, org, refreshToken }: Granted): object {
  return {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: expiresInS,
    scope: scopes.join(" "),
    org,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
  };
}

function narrowingOf(body: Body): Narrowing {
  const scope = body["scope"] === undefined ? undefined : textField(body, "scope");
  const org = body["org"] === undefined ? undefined : textField(body, "org");
  return {
    ...(scope === undefined ? {} : { scopes: scope.split(" ").filter((each) => each !== "") }),
    ...(org === undefined ? {} : { org }),
  };
}

function bodyOf(request: FastifyRequest): Body {
  return typeof request.body === "object" && request.body !== null ? { ...request.body } : {};
}

function textField(body: Body, name: string): string {
  const value = body[name];
  if (typeof value === "string" && value !== "" && value.length <= 8_192) return value;
  throw malformed(`Send \`${name}\` as text.`);
}

function hexField(body: Body, name: string, digits: number): string {
  const value = textField(body, name);
  if (value.length === digits && /^[0-9a-f]+$/.test(value)) return value;
  throw malformed(`Send \`${name}\` as ${digits} hex digits.`);
}

function malformed(detail: string): ProblemError {
  return new ProblemError({ status: 400, code: "invalid_request", detail });
}

function notSignedIn(): ProblemError {
  return new ProblemError({
    status: 401,
    code: "not_signed_in",
    detail: "Nobody is signed in here. Sign in, or send a session token as `Authorization: Bearer …`.",
  });
}

function noStore(reply: FastifyReply): FastifyReply {
  return reply.header("cache-control", "no-store");
}

function answer(request: FastifyRequest, reply: FastifyReply, body: object): FastifyReply {
  return reply
    .header("x-request-id", requestIdOf(request))
    .header("content-type", "application/json; charset=utf-8")
    .send(JSON.stringify(body));
}
