// A typed client for any contract, on `fetch` alone: it runs in Node and in
// browsers. A command keeps its idempotency key over all its attempts, so that
// a repeat after a lost answer gets the first answer and not a second effect.

import { encode, decodeShape } from "./codec.ts";
import { COMPATIBILITY_WINDOW } from "./compatibility.ts";
import type { Contract, HttpBody, JsonObject, JsonValue, MethodTypes } from "./contract.ts";
import type { FieldError } from "./gen/openagents/protocol/v1/problem_oa.ts";
import { InvalidMessageError } from "./invalid-message.ts";
import { isByteStream, methodsOf, queryFields, streamField, type MethodContract } from "./method.ts";
import { ProblemError } from "./problem.ts";
import { isPlainObject } from "./struct.ts";

export type ClientOptions = {
  /** Such as `http://127.0.0.1:4100`. */
  readonly baseUrl: string;
  /** A bearer token, or what gets a fresh one for each attempt. Public routes need none. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** The platform's `fetch` when absent. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** For one attempt, headers and body; 60 s when absent. */
  readonly timeoutMs?: number | undefined;
  /** How often a command is sent in all; 4 when absent. Reads are sent once. */
  readonly attemptsMax?: number | undefined;
  /** Sent as `x-oa-client-build-id`. */
  readonly buildId?: string | undefined;
};

export type CallOptions = {
  /** A fresh one for each command when absent. Give one to repeat a command across processes. */
  readonly idempotencyKey?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** Told about the answer's circumstances before the call resolves. */
  readonly onAnswer?: ((answer: AnswerInfo) => void) | undefined;
};

export type AnswerInfo = {
  readonly status: number;
  /** Whether the answer is a stored one of an earlier command with the same key. */
  readonly replayed: boolean;
  readonly requestId: string;
};

/** A byte stream as a client gets it: read to its end. */
export type BytesAnswer = { readonly contentType: string; readonly data: Uint8Array<ArrayBuffer> };

export type Client<T> = {
  readonly [M in keyof T]: T[M] extends MethodTypes
    ? (
        input: T[M]["input"],
        options?: CallOptions,
      ) => Promise<T[M]["output"] extends HttpBody ? BytesAnswer : T[M]["output"]>
    : never;
};

const TIMEOUT_MS = 60_000;
const ATTEMPTS_MAX = 4;
const BACKOFF_MS = 100;
const WAIT_MS_MAX = 5_000;

/** Largest answer that is read into memory. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

/**
 * A client of one service. Calls reject with `ProblemError`: what the service
 * answered, or 400 `invalid_request` before sending, 503 `unreachable`, 504
 * `timeout`, 502 `malformed_answer`. An abort by `signal` rejects with its reason.
 */
export function createClient<T>(contract: Contract<T>, options: ClientOptions): Client<T> {
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const calls = methodsOf(contract).map((method) => [
    method.localName,
    (input: unknown, callOptions: CallOptions = {}) =>
      call({ ...options, baseUrl }, method, input, callOptions),
  ]);
  return Object.fromEntries(calls) as Client<T>;
}

async function call(
  client: ClientOptions,
  method: MethodContract,
  input: unknown,
  options: CallOptions,
): Promise<unknown> {
  const request = buildRequest(client, method, input, options);
  const repeatable = method.effect === "command" && !request.streams;
  const attemptsMax = repeatable ? (client.attemptsMax ?? ATTEMPTS_MAX) : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(client, method, request, options);
    } catch (error) {
      if (attempt >= attemptsMax || !(error instanceof ProblemError) || !isWorthRepeating(error)) throw error;
      await pause(waitMs(attempt, error.retryAfterMs), options.signal);
    }
  }
}

/** Nothing happened yet, or the answer was lost: the same key finds out. */
function isWorthRepeating({ status, code }: ProblemError): boolean {
  return status === 503 || code === "timeout" || (status === 409 && code === "idempotency_in_flight");
}

/** Grows twofold, with jitter so that callers who failed together do not return together. */
function waitMs(attempt: number, retryAfterMs: number | undefined): number {
  const backoffMs = BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
  return Math.min(WAIT_MS_MAX, Math.max(backoffMs, retryAfterMs ?? 0));
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

type ClientRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | ReadableStream | undefined;
  /** The body can be read once only. */
  readonly streams: boolean;
};

function buildRequest(
  client: ClientOptions,
  method: MethodContract,
  input: unknown,
  options: CallOptions,
): ClientRequest {
  const json = encodeInput(method, input);
  let path = method.http.path;
  for (const param of method.http.params) {
    const text = encodeURIComponent(scalarText(json[param]));
    path = path.replace(`{${param}}`, param === method.http.rest ? text.replaceAll("%2F", "/") : text);
  }

  const query = new URLSearchParams();
  for (const { name } of queryFields(method)) {
    if (json[name] !== undefined) query.set(name, scalarText(json[name]));
  }
  const headers: Record<string, string> = {
    "x-oa-protocol-version": COMPATIBILITY_WINDOW.protocolVersion,
    "x-oa-schema-version": String(COMPATIBILITY_WINDOW.schemaVersionMax),
  };
  if (client.buildId !== undefined) headers["x-oa-client-build-id"] = client.buildId;
  if (method.effect === "command" && method.idempotency === "key") {
    headers["idempotency-key"] = options.idempotencyKey ?? crypto.randomUUID();
  }
  const { contentType, body, streams } = bodyOf(method, json, input);
  if (contentType !== undefined) headers["content-type"] = contentType;
  const search = query.size === 0 ? "" : `?${query.toString()}`;
  return { url: `${client.baseUrl}${path}${search}`, headers, body, streams };
}

/** Path and query carry scalars only; `methodsOf` has made sure. */
function scalarText(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function encodeInput(method: MethodContract, input: unknown): JsonObject {
  try {
    return encode(method.input, input);
  } catch (error) {
    if (!(error instanceof InvalidMessageError)) throw error;
    throw new ProblemError({
      status: 400,
      code: "invalid_request",
      detail: `The request was not sent: ${error.message}`,
      fieldErrors: error.fieldErrors,
      cause: error,
    });
  }
}

type RequestBody = Pick<ClientRequest, "body" | "streams"> & { readonly contentType: string | undefined };

function bodyOf(method: MethodContract, json: JsonObject, input: unknown): RequestBody {
  const stream = streamField(method);
  if (stream !== undefined) {
    const content = (input as Readonly<Record<string, HttpBody>>)[stream.localName];
    if (content === undefined) throw new TypeError(`${method.name} needs \`${stream.localName}\``);
    const contentType = content.contentType === "" ? "application/octet-stream" : content.contentType;
    if (content.data instanceof Uint8Array) {
      return { contentType, body: content.data as Uint8Array<ArrayBuffer>, streams: false };
    }
    return { contentType, body: streamOf(content.data), streams: true };
  }
  if (method.http.body !== "*") return { contentType: undefined, body: undefined, streams: false };
  const fields = Object.entries(json).filter(([name]) => !method.http.params.includes(name));
  return {
    contentType: "application/json",
    body: JSON.stringify(Object.fromEntries(fields)),
    streams: false,
  };
}

function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

async function send(
  client: ClientOptions,
  method: MethodContract,
  request: ClientRequest,
  options: CallOptions,
): Promise<unknown> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? client.timeoutMs ?? TIMEOUT_MS);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  const headers = { ...request.headers, ...(await authorization(client, method)) };
  let response: Response;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    const duplex = request.streams ? { duplex: "half" as const } : {};
    const init = { method: method.http.verb, headers, signal, redirect: "error" as const, ...duplex };
    const body = request.body === undefined ? {} : { body: request.body };
    response = await (client.fetch ?? globalThis.fetch)(request.url, { ...init, ...body });
    bytes = await readBounded(response);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof ProblemError) throw error;
    throw timeout.aborted ? timedOut(method, error) : unreachable(client, method, error);
  }
  const requestId = response.headers.get("x-request-id") ?? "";
  if (!response.ok) throw problemOf(response, bytes, requestId);
  const replayed = response.headers.get("idempotent-replayed") === "true";
  options.onAnswer?.({ status: response.status, replayed, requestId });
  if (isByteStream(method.output)) {
    return { contentType: response.headers.get("content-type") ?? "application/octet-stream", data: bytes };
  }
  try {
    return decodeShape(method.output, JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw malformed(method, requestId, error);
  }
}

async function authorization(client: ClientOptions, method: MethodContract): Promise<Record<string, string>> {
  if (method.access === "public" || client.token === undefined) return {};
  const token = typeof client.token === "string" ? client.token : await client.token();
  return { authorization: `Bearer ${token}` };
}

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    length += next.value.length;
    if (length > ANSWER_BYTES_MAX) {
      await reader?.cancel();
      throw new ProblemError({
        status: 502,
        code: "answer_too_large",
        detail: `The answer is larger than ${ANSWER_BYTES_MAX} bytes.`,
      });
    }
    chunks.push(next.value);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function problemOf(response: Response, bytes: Uint8Array, requestId: string): ProblemError {
  const body = parseObject(bytes);
  const word = (name: string): string | undefined =>
    typeof body[name] === "string" ? body[name] : undefined;
  const retryAfterMs =
    typeof body["retry_after_ms"] === "number" ? body["retry_after_ms"] : headerMs(response);
  return new ProblemError({
    status: response.status,
    code: word("code") ?? `http_${response.status}`,
    title: word("title"),
    detail: word("detail") ?? `The service answered ${response.status} without saying why.`,
    reason: word("reason"),
    fieldErrors: Array.isArray(body["field_errors"]) ? body["field_errors"].flatMap(fieldErrorOf) : [],
    receiptId: word("receipt_id"),
    retryAfterMs,
    requestId: word("request_id") ?? requestId,
  });
}

function headerMs(response: Response): number | undefined {
  const seconds = response.headers.get("retry-after") ?? "";
  return /^[0-9]{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isPlainObject(value) ? value : {};
  } catch {
    return {};
  }
}

function fieldErrorOf(value: unknown): FieldError[] {
  if (!isPlainObject(value)) return [];
  const { field, code, message } = value;
  if (typeof field !== "string" || typeof code !== "string" || typeof message !== "string") return [];
  return [{ field, code, message }];
}

function unreachable(client: ClientOptions, method: MethodContract, cause: unknown): ProblemError {
  const detail = `${client.baseUrl} gave no answer to ${method.name}. ${unknownOutcome(method)}`;
  return new ProblemError({ status: 503, code: "unreachable", detail, cause });
}

function timedOut(method: MethodContract, cause: unknown): ProblemError {
  const detail = `${method.name} was not answered in time. ${unknownOutcome(method)}`;
  return new ProblemError({ status: 504, code: "timeout", detail, cause });
}

function unknownOutcome(method: MethodContract): string {
  return method.effect === "read"
    ? "Try again."
    : "It may have run; repeat it with the same idempotency key to know.";
}

function malformed(method: MethodContract, requestId: string, cause: unknown): ProblemError {
  const detail = `The answer to ${method.name} does not follow the contract.`;
  return new ProblemError({ status: 502, code: "malformed_answer", detail, requestId, cause });
}
