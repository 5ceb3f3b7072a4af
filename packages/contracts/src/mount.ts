// Puts contracts on a Fastify app. Every route comes from a descriptor, and
// every request passes the same checks in the same order: compatibility (426),
// token (401), scope and kind (403), media type (415), size (413), fields (400),
// idempotency key (400). Handlers see decoded plain input only.

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import type { AnyHandler, Binding } from "./bind.ts";
import type { Call, CommandCall, CommandReply, Principal, PublicCall } from "./call.ts";
import { encodeText } from "./codec.ts";
import { COMPATIBILITY_WINDOW, decideCompatibility, describeWindow, windowHeaders } from "./compatibility.ts";
import type { CompatibilityWindow } from "./compatibility.ts";
import type { HttpBody } from "./contract.ts";
import { asksForEventStream, sendEventStream, type LiveHandler } from "./event-stream.ts";
import { prepareDecode } from "./decode.ts";
import { idempotencyKey } from "./idempotency.ts";
import { parseJsonBody } from "./json-body.ts";
import { isByteStream, methodsOf, streamField, type MethodContract } from "./method.ts";
import { ProblemError, retryAfterSeconds } from "./problem.ts";
import { answerUnknownRoutes, problemFrom, requestIdOf, sendProblem } from "./problem-reply.ts";
import { inputReader } from "./request-input.ts";
import { bodyTooLarge, boundedStream } from "./request-stream.ts";
import { messageSchema } from "./schema.ts";

export type MountOptions = {
  /** Who calls. Throws `ProblemError` 401; not asked for public routes. */
  readonly authenticate: (request: FastifyRequest, method: MethodContract) => Promise<Principal>;
  /** Told about every answered call: contract method, status, milliseconds. */
  readonly observe?: ((method: string, status: number, durationMs: number) => void) | undefined;
  /** What a known failure of a dependency is to a caller; undefined for what is not one. */
  readonly problemOf?: ((error: unknown) => ProblemError | undefined) | undefined;
  /** Told about every error that the caller does not get to read. */
  readonly onInternalError?: ((error: unknown, method: string, requestId: string) => void) | undefined;
  /** The owner whose methods this service serves; contracts of another are refused. Any, when absent. */
  readonly owner?: MethodContract["owner"] | undefined;
  /** The contract's own window when absent. */
  readonly compatibility?: CompatibilityWindow | undefined;
};

/**
 * Mount contracts. Throws when a method has no handler or no route option, when
 * a rule of its messages has no JSON Schema, or when two methods share a route.
 */
export function mount(app: FastifyInstance, bindings: readonly Binding[], options: MountOptions): void {
  const routes = bindings.flatMap(({ contract, handlers, live }) =>
    methodsOf(contract).map((method) =>
      prepare(method, handlers[method.localName], live?.[method.localName], options),
    ),
  );
  assertDistinct(routes);
  app.setErrorHandler((error, request, reply) => {
    const { problem, internal } = problemFrom(options.problemOf?.(error) ?? error);
    if (internal)
      options.onInternalError?.(
        error,
        request.routeOptions.config.contractMethod ?? "",
        requestIdOf(request),
      );
    return sendProblem(request, reply, problem);
  });
  answerUnknownRoutes(
    app,
    routes.map(({ method }) => method.http),
  );
  const takesStream = (route: PreparedRoute) => streamField(route.method) !== undefined;
  void app.register(async (scope) => {
    takeJson(scope);
    for (const route of routes) if (!takesStream(route)) scope.route(route.options);
  });
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));
    for (const route of routes) if (takesStream(route)) scope.route(route.options);
  });
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Full name of the contract method behind the route. */
    contractMethod?: string;
  }
}

function takeJson(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const contentType = (request.headers["content-type"] ?? "").toLowerCase().replaceAll(" ", "");
    if (!/^application\/json(;charset="?utf-8"?)?;?$/.test(contentType)) {
      const detail = "Send the body as application/json in UTF-8.";
      done(new ProblemError({ status: 415, code: "unsupported_media_type", detail }));
      return;
    }
    try {
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

const JSON_CONTENT_TYPE = "application/json; charset=utf-8";

type PreparedRoute = { readonly method: MethodContract; readonly options: RouteOptions };

function prepare(
  method: MethodContract,
  handler: AnyHandler | undefined,
  live: LiveHandler<never> | undefined,
  options: MountOptions,
): PreparedRoute {
  if (handler === undefined) throw new Error(`${method.name} has no implementation`);
  if (method.eventStream && live === undefined) throw new Error(`${method.name} has nothing that follows it`);
  if (!method.eventStream && live !== undefined)
    throw new Error(`${method.name} is not followed in its contract, which names no event_stream`);
  if (options.owner !== undefined && method.owner !== options.owner && method.owner !== "any") {
    throw new Error(`${method.name} belongs to ${method.owner}, not to ${options.owner}`);
  }
  if (method.effect === "command" && isByteStream(method.output)) {
    throw new Error(`${method.name} is a command and answers a byte stream; what is replayed must be JSON`);
  }
  prepareDecode(method.input);
  if (!isByteStream(method.output)) messageSchema(method.output, "answer");
  return { method, options: routeOptions(method, handler, live, options) };
}

function assertDistinct(routes: readonly PreparedRoute[]): void {
  const seen = new Map<string, string>();
  for (const { method } of routes) {
    const key = `${method.http.verb} ${method.http.path.replace(/\{[^}]*\}/g, "{}")}`;
    const other = seen.get(key);
    if (other !== undefined) throw new Error(`${method.name} and ${other} share the route ${key}`);
    seen.set(key, method.name);
  }
}

function routeOptions(
  method: MethodContract,
  handler: AnyHandler,
  live: LiveHandler<never> | undefined,
  options: MountOptions,
): RouteOptions {
  const window = options.compatibility ?? COMPATIBILITY_WINDOW;
  const principals = new WeakMap<FastifyRequest, Principal>();
  const respond = responder(method, handler, live, principals);
  const { observe } = options;
  return {
    method: method.http.verb,
    url: method.http.path.replace(/\{([^}]*)\}/g, (_, name: string) =>
      name === method.http.rest ? "*" : `:${name}`,
    ),
    // HEAD is no route of the contract.
    exposeHeadRoute: false,
    bodyLimit: method.bodyBytesMax,
    config: { contractMethod: method.name },
    async onRequest(request, reply) {
      reply.header("x-request-id", requestIdOf(request));
      assertCompatible(request, reply, window);
      if (method.access === "public") return;
      const principal = await options.authenticate(request, method);
      assertMayCall(method, principal);
      principals.set(request, principal);
    },
    errorHandler(error, request, reply) {
      const told = isBodyTooLarge(error) ? bodyTooLarge(method.bodyBytesMax) : options.problemOf?.(error);
      const found = problemFrom(told ?? error);
      if (found.internal) options.onInternalError?.(error, method.name, requestIdOf(request));
      sendProblem(request, reply, found.problem);
    },
    ...(observe === undefined
      ? {}
      : {
          onResponse(_request, reply, done) {
            observe(method.name, reply.statusCode, reply.elapsedTime);
            done();
          },
        }),
    handler: respond,
  };
}

function assertCompatible(request: FastifyRequest, reply: FastifyReply, window: CompatibilityWindow): void {
  const { headers } = request;
  const code = decideCompatibility(
    {
      buildId: one(headers["x-oa-client-build-id"]),
      protocolVersion: one(headers["x-oa-protocol-version"]),
      schemaVersion: one(headers["x-oa-schema-version"]),
    },
    window,
  );
  if (code === undefined) return;
  reply.headers(windowHeaders(code, window));
  throw new ProblemError({ status: 426, code, detail: `${describeWindow(window)} Update the client.` });
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(",") : header;
}

/** Throws 403 `wrong_principal_kind`, `wrong_method` or `missing_scope`, in this order. */
function assertMayCall(method: MethodContract, principal: Principal): void {
  if (method.access === "service" && principal.kind !== "service") {
    const detail = `Only services may call ${method.name}; this token is a ${principal.kind}'s.`;
    throw new ProblemError({ status: 403, code: "wrong_principal_kind", detail });
  }
  if (principal.onlyMethod !== undefined && principal.onlyMethod !== method.name) {
    const detail = `This token is for ${principal.onlyMethod} alone, and not for ${method.name}.`;
    throw new ProblemError({ status: 403, code: "wrong_method", detail });
  }
  const needed = method.access === "admin" ? [method.scope, "admin"] : [method.scope];
  for (const scope of needed) {
    if (principal.scopes.has(scope)) continue;
    const detail = `${method.name} needs the scope \`${scope}\`, which this token does not hold.`;
    throw new ProblemError({ status: 403, code: "missing_scope", reason: scope, detail });
  }
}

function isBodyTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "FST_ERR_CTP_BODY_TOO_LARGE";
}

/** Aborted when the caller is gone. Made when a handler asks, because most never do. */
class CallContext {
  readonly principal: Principal | undefined;
  readonly requestId: string;
  readonly method: MethodContract;
  readonly idempotencyKey: string;
  readonly #reply: FastifyReply;
  #signal: AbortSignal | undefined;

  constructor(
    method: MethodContract,
    principal: Principal | undefined,
    key: string,
    requestId: string,
    reply: FastifyReply,
  ) {
    this.method = method;
    this.principal = principal;
    this.idempotencyKey = key;
    this.requestId = requestId;
    this.#reply = reply;
  }

  get signal(): AbortSignal {
    if (this.#signal !== undefined) return this.#signal;
    const controller = new AbortController();
    const { raw } = this.#reply;
    const abort = () => {
      if (!raw.writableFinished) controller.abort();
    };
    if (raw.destroyed) abort();
    else raw.once("close", abort);
    this.#signal = controller.signal;
    return controller.signal;
  }
}

type Respond = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

function responder(
  method: MethodContract,
  handler: AnyHandler,
  live: LiveHandler<never> | undefined,
  principals: WeakMap<FastifyRequest, Principal>,
): Respond {
  const readInput = inputReader(method);
  const stream = streamField(method);
  const follow = live as LiveHandler<unknown> | undefined;
  const run = handler as (input: unknown, call: Call | PublicCall | CommandCall) => Promise<unknown>;

  return async (request, reply) => {
    const input = readInput({
      params: request.params as Readonly<Record<string, string>>,
      query: request.query as Readonly<Record<string, string | readonly string[]>>,
      body: (request.body ?? {}) as Readonly<Record<string, unknown>>,
    });
    const key = method.effect === "command" ? idempotencyKey(method, request.headers, input) : "";
    if (stream !== undefined) {
      const contentType = request.headers["content-type"] ?? "application/octet-stream";
      input[stream.localName] = { contentType, data: boundedStream(request.raw, method.bodyBytesMax) };
    }
    const context = new CallContext(method, principals.get(request), key, requestIdOf(request), reply);
    if (follow !== undefined && asksForEventStream(request)) {
      const lastEventId = one(request.headers["last-event-id"]);
      return sendEventStream(reply, await follow(input, context as Call, lastEventId));
    }
    const result = await run(input, context as Call | PublicCall | CommandCall);
    if (method.effect === "command") return sendCommandReply(reply, result as CommandReply);
    if (isByteStream(method.output)) return sendBytes(request, reply, method, result as HttpBody);
    const text = encodeText(method.output, result);
    return reply.code(method.successStatus).header("content-type", JSON_CONTENT_TYPE).send(text);
  };
}

function sendCommandReply(reply: FastifyReply, result: CommandReply): FastifyReply {
  const retryAfter = retryAfterSeconds(result.status, result.retryAfterMs);
  if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
  if (result.replayed) reply.header("idempotent-replayed", "true");
  // Text leaves in one piece with its headers. To a type without a charset Fastify would add
  // one, and problem+json has none: that leaves as bytes.
  const isText = result.contentType === JSON_CONTENT_TYPE;
  return reply
    .code(result.status)
    .header("content-type", result.contentType)
    .send(isText ? result.body : Buffer.from(result.body));
}

function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  method: MethodContract,
  { contentType, data, cacheControl, etag }: HttpBody,
): FastifyReply {
  if (cacheControl !== undefined) reply.header("cache-control", cacheControl);
  if (etag !== undefined) {
    reply.header("etag", etag);
    if (namesTag(one(request.headers["if-none-match"]), etag)) return reply.code(304).send();
  }
  reply.code(method.successStatus).header("content-type", contentType);
  if (data instanceof Uint8Array) return reply.send(Buffer.isBuffer(data) ? data : Buffer.from(data));
  return reply.send(data instanceof Readable ? data : Readable.from(data));
}

/** Weak comparison (RFC 9110 §8.8.3.2): a proxy may have weakened the tag on its way. */
function namesTag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}
