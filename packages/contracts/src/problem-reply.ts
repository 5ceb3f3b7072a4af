// Every error that leaves a service, as problem+json. What is not meant for the
// caller leaves as a bare 500 and goes to the log.

import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from "fastify";
import { PROBLEM_CONTENT_TYPE, ProblemError, problemBody, retryAfterSeconds } from "./problem.ts";

const requestIds = new WeakMap<object, string>();

/** The request's id: the caller's own when it is well formed, else a fresh one. Stable for the request. */
export function requestIdOf(request: FastifyRequest): string {
  const known = requestIds.get(request.raw);
  if (known !== undefined) return known;
  const given = request.headers["x-request-id"];
  const id = typeof given === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(given) ? given : newRequestId();
  requestIds.set(request.raw, id);
  return id;
}

/** A UUID, because Node draws randomness for many of these at once. */
function newRequestId(): string {
  return `req_${randomUUID().replaceAll("-", "")}`;
}

/** Send a problem. After the first byte of an answer there is no way to send one; the connection then breaks. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: ProblemError,
): FastifyReply {
  const requestId = requestIdOf(request);
  const retryAfter = retryAfterSeconds(problem.status, problem.retryAfterMs);
  if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  return reply
    .code(problem.status)
    .header("x-request-id", requestId)
    .header("content-type", PROBLEM_CONTENT_TYPE)
    .header("cache-control", "no-store")
    .send(Buffer.from(problemBody(problem, requestId)));
}

/** What an error is to the caller. `internal` errors are for the log, too. */
export function problemFrom(error: unknown): { readonly problem: ProblemError; readonly internal: boolean } {
  if (error instanceof ProblemError) return { problem: error, internal: error.status === 500 };
  const { code, statusCode } = describeError(error);
  const framework = FRAMEWORK_PROBLEMS[code];
  if (framework !== undefined)
    return { problem: new ProblemError({ ...framework, cause: error }), internal: false };
  if (code.startsWith("FST_") && statusCode >= 400 && statusCode < 500) {
    const detail = "The request is malformed.";
    return {
      problem: new ProblemError({ status: statusCode, code: "malformed_request", detail, cause: error }),
      internal: false,
    };
  }
  const detail =
    "The service failed. Its log has the cause under this request id; repeat a command with the same key.";
  return {
    problem: new ProblemError({ status: 500, code: "internal", detail, cause: error }),
    internal: true,
  };
}

function describeError(error: unknown): { readonly code: string; readonly statusCode: number } {
  if (!(error instanceof Error)) return { code: "", statusCode: 500 };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const statusCode = "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : 500;
  return { code, statusCode };
}

const FRAMEWORK_PROBLEMS: Readonly<Record<string, { status: number; code: string; detail: string }>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: "unsupported_media_type",
    detail: "Send the body as application/json in UTF-8.",
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    code: "content_length_mismatch",
    detail: "The body's length is not the one that Content-Length announced.",
  },
  FST_ERR_BAD_URL: { status: 400, code: "malformed_path", detail: "The path is not valid percent-encoding." },
  FST_ERR_MAX_PARAM_LENGTH: { status: 414, code: "path_too_long", detail: "A part of the path is too long." },
};

/**
 * Options for `Fastify(…)` that make the answers which never reach a route
 * problem+json as well: bad addresses, malformed HTTP, requests during a drain.
 */
export const problemServerOptions = {
  frameworkErrors(error: Error, request: FastifyRequest, reply: FastifyReply) {
    sendProblem(request, reply, problemFrom(error).problem);
  },
  clientErrorHandler(error, socket) {
    if (!socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const problem = wireProblem(error.code ?? "");
    const body = problemBody(problem, newRequestId());
    socket.end(
      `HTTP/1.1 ${problem.status} ${problem.title}\r\ncontent-type: ${PROBLEM_CONTENT_TYPE}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  },
} satisfies FastifyServerOptions;

function wireProblem(code: string): ProblemError {
  if (code === "HPE_HEADER_OVERFLOW") {
    return new ProblemError({
      status: 431,
      code: "headers_too_large",
      detail: "The request's headers are too large.",
    });
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new ProblemError({
      status: 408,
      code: "request_timeout",
      detail: "The request did not arrive in time.",
    });
  }
  return new ProblemError({
    status: 400,
    code: "malformed_request",
    detail: "The request is not valid HTTP.",
  });
}

export type RouteIndex = readonly { readonly verb: string; readonly path: string; readonly rest: string }[];

/** Answer unknown paths with 404, and known paths under another verb with 405 and `Allow`, whatever their body. */
export function answerUnknownRoutes(app: FastifyInstance, routes: RouteIndex): void {
  const patterns = routes.map(({ verb, path, rest }) => ({ verb, pattern: pathPattern(path, rest) }));
  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = request.url.split("?", 1)[0] ?? "";
    const allowed = [
      ...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ verb }) => verb)),
    ];
    if (allowed.length === 0) {
      const detail = "There is no such route. The service's OpenAPI document lists them.";
      return sendProblem(request, reply, new ProblemError({ status: 404, code: "route_not_found", detail }));
    }
    reply.header("allow", allowed.join(", "));
    const detail = `This path answers ${allowed.join(", ")} only.`;
    return sendProblem(request, reply, new ProblemError({ status: 405, code: "method_not_allowed", detail }));
  };
  // Before the body is looked at, which for an unknown route nobody asked for.
  app.addHook("onRequest", (request, reply, done) => {
    if (request.is404) answer(request, reply);
    else done();
  });
  app.setNotFoundHandler(answer);
}

function pathPattern(template: string, rest: string): RegExp {
  const segments = template.split("/").map((segment) => {
    if (segment === `{${rest}}`) return ".*";
    return segment.startsWith("{") ? "[^/]+" : segment.replaceAll(".", "[.]");
  });
  return new RegExp(`^${segments.join("/")}$`);
}
