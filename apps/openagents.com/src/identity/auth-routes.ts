// `/api/auth/*`: takes a request apart, asks whether it may be tried, lets
// better-auth answer, and gives the answer in the form of this service.

import { PROBLEM_CONTENT_TYPE, ProblemError, problemBody, requestIdOf } from "@openagents/contracts";
import { isUniqueViolation, translateError } from "@openagents/postgres";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ADDRESS_HEADER, type BetterAuth } from "./better-auth.ts";
import { callScope, type CallScope } from "./call-scope.ts";
import type { Identity } from "./identity.ts";
import { assertOrigin, type Origins } from "./origins.ts";
import type { SessionInfo } from "./session.ts";
import { AUTH_ROUTES, COMMANDS_INSTEAD, isBody, type AuthRoute, type Body } from "./surface.ts";
import type { Throttle } from "./throttle.ts";

export type AuthRoutesDeps = {
  readonly auth: () => Promise<BetterAuth>;
  readonly publicUrl: () => string;
  readonly origins: Origins;
  readonly throttle: Throttle;
  readonly addressOf: (request: FastifyRequest) => string;
  readonly sessions: Pick<Identity, "resolveSession" | "assertCsrf">;
  /** Told about what has succeeded, and who asked for it. */
  readonly done: (route: AuthRoute, session: SessionInfo | undefined) => Promise<void>;
  /** Whether people sign in at an identity provider, and so nowhere else. */
  readonly ssoOnly: boolean;
};

/** A passkey's attestation is the largest of what is sent here. */
const BODY_BYTES_MAX = 64 * 1024;

export function registerAuthRoutes(scope: FastifyInstance, deps: AuthRoutesDeps): void {
  for (const route of AUTH_ROUTES) {
    scope.route({
      method: route.verb,
      url: `/api/auth${route.path}`,
      bodyLimit: BODY_BYTES_MAX,
      handler: (request, reply) => answer(deps, route, request, reply),
    });
  }
  for (const { path, command } of COMMANDS_INSTEAD)
    scope.post(`/api/auth${path}`, async () => {
      throw new ProblemError({
        status: 410,
        code: "command_instead",
        detail: `This is done by the command ${command}, with an access token and an Idempotency-Key.`,
      });
    });
}

async function answer(
  deps: AuthRoutesDeps,
  route: AuthRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (route.signsIn === true && deps.ssoOnly) throw ssoRequired();
  const session = await deps.sessions.resolveSession(request);
  if (route.verb === "POST") {
    if (session?.presentedBy === "cookie") deps.sessions.assertCsrf(request, session);
    else assertOrigin(deps.origins, request, false);
  }
  const body = route.verb === "POST" ? bodyOf(route, request) : undefined;
  const address = deps.addressOf(request);
  const account = (body === undefined ? undefined : route.account?.(body)) ?? session?.userId;
  if (route.rule !== undefined)
    await deps.throttle.take(route.rule, { address, ...(account === undefined ? {} : { account }) });
  const taken = body === undefined ? undefined : (route.take?.(body) ?? body);

  const auth = await deps.auth();
  const scope: CallScope = { address };
  const response = await callScope
    .run(scope, () => auth.handler(webRequest(deps.publicUrl(), request, address, taken)))
    .catch((error: unknown) => {
      throw failureOf(error);
    });
  if (response.status >= 500) throw new Error(`better-auth answered ${response.status}`);
  if (scope.mailFailure !== undefined) throw mailNotSent(scope.mailFailure);
  const text = await response.text();
  const answered: unknown = text === "" ? undefined : JSON.parse(text);
  if (response.ok) await callScope.run(scope, () => deps.done(route, session));
  if (response.ok && route.forgives !== undefined && account !== undefined)
    await deps.throttle.forgive(route.forgives, account);
  return send(request, reply, response, answered);
}

/** The body as an object. A form of a route that takes forms becomes one; each field once (RFC 6749, section 3.2). */
function bodyOf(route: AuthRoute, request: FastifyRequest): Body {
  const { body } = request;
  const text = Buffer.isBuffer(body) ? body.toString("utf8") : "";
  const contentType = (request.headers["content-type"] ?? "").toLowerCase().split(";")[0]?.trim();
  if (route.form === true && contentType === "application/x-www-form-urlencoded") {
    const fields = [...new URLSearchParams(text)].filter(([, value]) => value !== "");
    if (new Set(fields.map(([name]) => name)).size < fields.length)
      throw malformed("A field of the form is there twice.");
    return Object.fromEntries(fields);
  }
  if (text === "") return {};
  if (contentType !== "application/json") {
    throw new ProblemError({
      status: 415,
      code: "unsupported_media_type",
      detail: "Send the body as application/json in UTF-8.",
    });
  }
  const value = parseJson(text);
  if (!isBody(value)) throw malformed("The body is not a JSON object.");
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("The body is not JSON.");
  }
}

/** What better-auth sees of a request. A caller with a token is that token's, whatever cookies came along. */
function webRequest(
  publicUrl: string,
  request: FastifyRequest,
  address: string,
  body: Body | undefined,
): Request {
  const headers = new Headers();
  for (const name of PASSED_HEADERS) {
    const value = request.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  if (!headers.has("authorization") && request.headers.cookie !== undefined)
    headers.set("cookie", request.headers.cookie);
  headers.set(ADDRESS_HEADER, address);
  if (body === undefined) return new Request(publicUrl + request.url, { headers });
  headers.set("content-type", "application/json");
  return new Request(publicUrl + request.url, { method: "POST", headers, body: JSON.stringify(body) });
}

const PASSED_HEADERS = ["authorization", "origin", "referer", "user-agent", "accept"];

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  response: Response,
  answered: unknown,
): FastifyReply {
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) void reply.header("set-cookie", cookies);
  void reply
    .code(response.status)
    .header("cache-control", "no-store")
    .header("x-request-id", requestIdOf(request));
  if (response.status >= 400) return sendProblem(request, reply, response.status, answered);

  const forBrowser = isBrowser(request);
  const token = response.headers.get("set-auth-token");
  if (token !== null && !forBrowser) void reply.header("set-auth-token", token);
  return reply
    .header("content-type", "application/json; charset=utf-8")
    .send(JSON.stringify(forBrowser ? withoutToken(answered) : answered) ?? "null");
}

/** Set by every browser, and by no script in one. */
function isBrowser(request: FastifyRequest): boolean {
  return request.headers["sec-fetch-site"] !== undefined || request.headers.origin !== undefined;
}

/** A browser has its session in a cookie that no script reads; its pages must not get at it by another way. */
function withoutToken(answered: unknown): unknown {
  if (!isBody(answered)) return answered;
  const { token: _token, ...rest } = answered;
  const { session } = rest;
  return isBody(session) && "token" in session ? { ...rest, session: withoutToken(session) } : rest;
}

/**
 * A problem that clients of better-auth and of OAuth read as well: beside our
 * members stand theirs, `message` or `error` and `error_description`.
 */
function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  answered: unknown,
): FastifyReply {
  const theirs = isBody(answered) ? answered : {};
  const { code, message, error, error_description: description } = theirs;
  const name = [error, code].find((each) => typeof each === "string" && /^\w{1,60}$/.test(each));
  const detail = [description, message].find((each) => typeof each === "string" && each !== "");
  const problem = new ProblemError({
    status,
    code: typeof name === "string" ? name.toLowerCase() : "auth_refused",
    detail: typeof detail === "string" ? detail : "The request was refused.",
  });
  const { code: _code, ...members } = theirs;
  const ours: unknown = JSON.parse(problemBody(problem, requestIdOf(request)));
  void reply.code(status).header("content-type", PROBLEM_CONTENT_TYPE);
  return reply.send(JSON.stringify({ ...members, ...(isBody(ours) ? ours : {}) }));
}

function malformed(detail: string): ProblemError {
  return new ProblemError({ status: 400, code: "malformed_request", detail });
}

/** Two who did the same at once are one who did it and one who came too late. */
function failureOf(cause: unknown): unknown {
  if (isUniqueViolation(cause)) {
    return new ProblemError({
      status: 409,
      code: "already_done",
      detail: "Somebody has just done this. Look again at what there is now.",
      cause,
    });
  }
  return translateError(cause);
}

function mailNotSent(cause: unknown): ProblemError {
  return new ProblemError({
    status: 503,
    code: "mail_not_sent",
    detail: "The mail could not be sent. Nothing is on its way; try again shortly.",
    retryAfterMs: 10_000,
    cause,
  });
}

function ssoRequired(): ProblemError {
  return new ProblemError({
    status: 403,
    code: "sso_required",
    detail: "People sign in at their identity provider here. Go to /sign-in/sso.",
  });
}
