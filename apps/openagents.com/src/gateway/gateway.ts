// Hands requests on to the runtime with the caller's own token, so that a page
// has one origin. It adds nothing and decides nothing: the runtime authenticates,
// checks and answers, and what it says is what the caller gets.
//
// GW-1  The method, the query, the body and the answer pass byte for byte.
// GW-2  No credential but the caller's bearer reaches the runtime.
// GW-3  A call ends: when its caller goes, when nothing moves any more, or at the drain.
// GW-4  A call that was handed on is never sent again; whether it was done is for its key to say.
// GW-5  No path leads out of the routes that are handed on, however its dots are written.
// Held by tests/gateway.test.ts.

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import { ProblemError, allContracts, boundedStream, methodsOf, requestIdOf } from "@openagents/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { answerHeaders, requestHeaders } from "./headers.ts";

export type GatewayDeps = {
  /** Without a slash at its end. */
  readonly runtimeUrl: string;
  readonly limits?: GatewayLimits;
};

export type GatewayLimits = {
  /** How long the runtime may take to begin its answer, a wait that the caller asked for included. */
  readonly answerMsMax: number;
  /** How long nothing may move in either direction. Followed events have a sign of life more often. */
  readonly idleMsMax: number;
  readonly bodyBytesMax: number;
};

/** The contract knows the largest body that any route of the runtime takes. */
const BODY_BYTES_MAX = Math.max(
  ...allContracts.flatMap((contract) => methodsOf(contract).map((method) => method.bodyBytesMax)),
);

const LIMITS: GatewayLimits = { answerMsMax: 75_000, idleMsMax: 90_000, bodyBytesMax: BODY_BYTES_MAX };

/** Open connections to the runtime; further calls wait for one of these. */
const CONNECTIONS_MAX = 512;

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;

export type Gateway = {
  /** End the calls that only wait, so that a drain need not. */
  release(): void;
};

/** Call once, before the app listens. */
export function forwardToRuntime(app: FastifyInstance, deps: GatewayDeps): Gateway {
  const limits = deps.limits ?? LIMITS;
  const base = new URL(deps.runtimeUrl);
  const secure = base.protocol === "https:";
  const agentOptions = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
  const agent = secure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  const send = secure ? httpsRequest : httpRequest;
  const following = new Set<AbortController>();

  const forward = async (request: FastifyRequest, reply: FastifyReply, path: string) => {
    const body = boundedBody(request, limits.bodyBytesMax);
    const ends = new AbortController();
    reply.raw.once("close", () => ends.abort());
    const upstream = send({
      protocol: base.protocol,
      hostname: base.hostname.replace(/^\[|\]$/g, ""),
      port: base.port,
      // As it came: an address that is parsed again would resolve what is in it.
      path: `${base.pathname.replace(/\/$/, "")}${path}`,
      method: request.method,
      headers: requestHeaders(request.headers, requestIdOf(request)),
      agent,
      signal: ends.signal,
    });
    const answer = await exchange(upstream, body, limits);
    answer.setTimeout(limits.idleMsMax, () => answer.destroy(new Error("the runtime's answer stood still")));
    if ((answer.headers["content-type"] ?? "").startsWith("text/event-stream")) {
      following.add(ends);
      answer.once("close", () => following.delete(ends));
    }
    reply.code(answer.statusCode ?? 502).headers(answerHeaders(answer.headers));
    return reply.send(answer);
  };

  void app.register(async (scope) => {
    // The body is the runtime's to parse, whatever its type.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    const route = (url: string, pathOf: (url: string) => string) =>
      scope.route({
        method: [...METHODS],
        url,
        exposeHeadRoute: false,
        bodyLimit: limits.bodyBytesMax,
        handler: (request, reply) => {
          assertPlainPath(request.url);
          return forward(request, reply, pathOf(request.url));
        },
      });
    route("/internal/v1/*", (url) => url);
    route("/log/*", (url) => url);
    for (const path of ["/api/runtime/workers", "/api/runtime/workers/*"])
      route(path, (url) => url.replace("/api/runtime/workers", "/internal/v1/workers"));
  });
  app.addHook("onClose", async () => agent.destroy());

  return {
    release() {
      for (const ends of following) ends.abort();
    },
  };
}

/** GW-5: whoever is behind might resolve dots. Throws 404. */
function assertPlainPath(url: string): void {
  const [path = ""] = url.split("?", 1);
  const hasDots = path.split(/\/|%2f|\\|%5c/i).some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
  if (!hasDots) return;
  throw new ProblemError({
    status: 404,
    code: "route_not_found",
    detail: "There is no such route. A path with `.` or `..` in it is not resolved.",
  });
}

type Upstream = ReturnType<typeof httpRequest>;

/** The runtime's answer once its headers are here. Throws 503 when there is none, and 413 for a body without end. */
function exchange(
  upstream: Upstream,
  body: Readable | undefined,
  limits: GatewayLimits,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const late = setTimeout(() => upstream.destroy(new Error("no answer in time")), limits.answerMsMax);
    const refuse = (error: unknown) => {
      clearTimeout(late);
      upstream.destroy();
      reject(error instanceof ProblemError ? error : runtimeUnavailable(error));
    };
    upstream.once("response", (answer) => {
      clearTimeout(late);
      answered = true;
      resolve(answer);
    });
    // The runtime may answer, and close, before it has read the whole body: then its answer stands.
    upstream.on("error", (error) => {
      if (!answered) refuse(error);
    });
    upstream.setTimeout(limits.idleMsMax, () => upstream.destroy(new Error("nothing moved")));
    if (body === undefined) upstream.end();
    else body.once("error", refuse).pipe(upstream);
  });
}

function boundedBody(request: FastifyRequest, bytesMax: number): Readable | undefined {
  const { headers } = request;
  if (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) return undefined;
  return boundedStream(request.raw, bytesMax);
}

function runtimeUnavailable(cause: unknown): ProblemError {
  return new ProblemError({
    status: 503,
    code: "runtime_unavailable",
    detail: "The runtime is not to be had now. Try again shortly; repeat a command with the same key.",
    retryAfterMs: 2_000,
    cause,
  });
}
