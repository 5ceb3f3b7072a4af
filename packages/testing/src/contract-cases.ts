// What holds for every method of the contract, as requests with their expected
// answers: keys, tokens, scopes, bodies, and every field's rules. One suite over
// the descriptors replaces a copy of it per command.

import assert from "node:assert/strict";
import {
  messageSchema,
  methodsOf,
  queryFields,
  streamField,
  type Contract,
  type MethodContract,
} from "@openagents/contracts";
import { mutations, type Mutation } from "./schema-mutations.ts";
import { sample } from "./schema-sample.ts";

/** Who sends a case: nobody, or a principal with exactly these scopes. */
export type Caller =
  | "nobody"
  | { readonly kind: "user" | "device" | "service_account" | "service"; readonly scopes: readonly string[] };

export type ContractRequest = {
  readonly verb: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
};

export type Expectation =
  /** Every check of the contract passes; what the handler makes of it is its own affair. */
  | { readonly kind: "reaches_handler" }
  | {
      readonly kind: "refused";
      readonly status: number;
      /** Any, when absent. */
      readonly code?: string;
      /** One of the answer's field errors. */
      readonly field?: { readonly path: string; readonly codes: readonly string[] };
    };

export type ContractCase = {
  /** Reads as a property, method first; unique. */
  readonly name: string;
  readonly method: MethodContract;
  readonly caller: Caller;
  readonly request: ContractRequest;
  readonly expect: Expectation;
};

/** Bodies above this are not made; the limit of such a method needs a test of its own. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;

/** All cases of some contracts. Cases that reach a handler carry valid-looking ids of nothing that exists. */
export function* contractCases(contracts: readonly Contract[]): Generator<ContractCase> {
  const methods = contracts.flatMap(methodsOf);
  for (const method of methods) {
    const good = goodCase(method);
    yield good;
    yield* callerCases(good);
    yield* keyCases(good);
    yield* routeCases(good, methods);
    yield* bodyCases(good);
    yield* fieldCases(good);
  }
}

function goodCase(method: MethodContract): ContractCase {
  return {
    name: `${method.name}: a request that keeps every rule reaches the handler`,
    method,
    caller: rightCaller(method),
    request: requestOf(method, sampleInput(method)),
    expect: { kind: "reaches_handler" },
  };
}

function rightCaller(method: MethodContract): Caller {
  if (method.access === "public") return "nobody";
  const scopes = method.access === "admin" ? [method.scope, "admin"] : [method.scope];
  return { kind: method.access === "service" ? "service" : "user", scopes };
}

function sampleInput(method: MethodContract): Record<string, unknown> {
  const schema = messageSchema(method.input, "request");
  return sample(schema, schema) as Record<string, unknown>;
}

function* callerCases(good: ContractCase): Generator<ContractCase> {
  const { method, request } = good;
  const incompatible = { ...request, headers: { ...request.headers, "x-oa-schema-version": "0" } };
  yield variant(good, "a client outside of the window is refused", {
    request: incompatible,
    expect: refused(426, "unsupported_schema_version"),
  });
  if (method.access === "public") return;
  yield variant(good, "nobody may call it without a token", { caller: "nobody", expect: refused(401) });
  const other: Caller = { kind: method.access === "service" ? "service" : "user", scopes: ["nothing:here"] };
  yield variant(good, "another scope does not do", { caller: other, expect: refused(403, "missing_scope") });
  if (method.access === "admin") {
    const caller: Caller = { kind: "user", scopes: [method.scope] };
    yield variant(good, "its scope without `admin` does not do", {
      caller,
      expect: refused(403, "missing_scope"),
    });
  }
  if (method.access === "service") {
    const caller: Caller = { kind: "user", scopes: [method.scope] };
    yield variant(good, "a user may not call it", { caller, expect: refused(403, "wrong_principal_kind") });
  }
}

function* keyCases(good: ContractCase): Generator<ContractCase> {
  const { method, request } = good;
  if (method.effect !== "command" || method.idempotency !== "key") return;
  const { [KEY]: _key, ...headers } = request.headers;
  const expect = refused(400, "idempotency_key_required");
  yield variant(good, "a command without a key is refused", { request: { ...request, headers }, expect });
  for (const key of ["", "a b", "k".repeat(201)]) {
    const withKey = { ...request, headers: { ...request.headers, [KEY]: key } };
    const what = `the key \`${key.slice(0, 8)}\` of ${key.length} characters is refused`;
    yield variant(good, what, { request: withKey, expect: refused(400, "idempotency_key_invalid") });
  }
}

function* routeCases(good: ContractCase, methods: readonly MethodContract[]): Generator<ContractCase> {
  const { method, request } = good;
  const taken = methods.filter(({ http }) => http.path === method.http.path).map(({ http }) => http.verb);
  const verb = (["DELETE", "PATCH", "PUT", "POST", "GET"] as const).find(
    (candidate) => !taken.includes(candidate),
  );
  if (verb !== undefined) {
    const { body: _body, ...bodyless } = request;
    yield variant(good, `${verb} is no verb of its path`, {
      request: { ...bodyless, verb },
      expect: refused(405, "method_not_allowed"),
    });
  }
  const separator = request.path.includes("?") ? "&" : "?";
  yield variant(good, "an unknown query parameter is refused", {
    request: { ...request, path: `${request.path}${separator}no_such_parameter=1` },
    expect: refusedField("no_such_parameter", ["unknown_field"]),
  });
}

function* bodyCases(good: ContractCase): Generator<ContractCase> {
  const { method, request } = good;
  const withBody = (body: ContractRequest["body"], headers = {}) => ({
    ...request,
    body,
    headers: { ...request.headers, ...headers },
  });
  if (method.bodyBytesMax <= BODY_BYTES_MAX && method.http.body !== "") {
    const body =
      streamField(method) === undefined
        ? `{"a":"${"x".repeat(method.bodyBytesMax)}"}`
        : new Uint8Array(method.bodyBytesMax + 1);
    yield variant(good, "a body above the limit is refused", {
      request: withBody(body),
      expect: refused(413, "body_too_large"),
    });
  }
  if (method.http.body !== "*") return;
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
  ]) {
    const expect = refused(415, "unsupported_media_type");
    yield variant(good, `a body of type ${type} is refused`, {
      request: withBody(request.body, { "content-type": type }),
      expect,
    });
  }
  for (const [body, code] of [
    ["{", "malformed_json"],
    ["[]", "not_an_object"],
    ['{"a":1,"a":1}', "duplicate_key"],
    ['{"__proto__":{}}', "forbidden_key"],
  ] as const) {
    yield variant(good, `the body ${body} is refused`, {
      request: withBody(body),
      expect: refused(400, code),
    });
  }
  for (const param of method.http.params) {
    const twice = JSON.stringify({ ...JSON.parse(String(request.body)), [param]: "x" });
    yield variant(good, `${param} of the path is refused in the body`, {
      request: withBody(twice),
      expect: refusedField(param, ["unknown_field"]),
    });
  }
}

function* fieldCases(good: ContractCase): Generator<ContractCase> {
  const { method } = good;
  const schema = messageSchema(method.input, "request");
  const query = new Set(queryFields(method).map(({ name }) => name));
  for (const mutation of mutations(schema, sampleInput(method))) {
    const [name = ""] = mutation.field.split(/[.[]/, 1);
    if (!travels(mutation, name, method, query)) continue;
    const request = requestOf(method, mutation.message as Record<string, unknown>);
    const codes = [...mutation.codes, ...(query.has(name) ? ["wrong_type"] : [])];
    yield variant(good, `${mutation.field.replace("\0", "U+0000")} ${mutation.what}: refused`, {
      request,
      expect: refusedField(mutation.field, codes),
    });
  }
}

/** Path and query are text, so that not every mutation of a body can be written in them. */
function travels(
  { what, message, field }: Mutation,
  name: string,
  method: MethodContract,
  query: ReadonlySet<string>,
): boolean {
  if (field === "no_such_field") return method.http.body === "*";
  const value = (message as Readonly<Record<string, unknown>>)[name];
  if (method.http.params.includes(name)) return what === "does not match its pattern";
  if (!query.has(name)) return true;
  if (what === "is left out") return true;
  const isOtherType = what === "is of the wrong type" && value === "text";
  const isText = typeof value === "string" && value.isWellFormed();
  return (
    isOtherType ||
    (typeof value === "number" && what !== "is of the wrong type") ||
    (isText && what !== "is of the wrong type")
  );
}

const KEY = "idempotency-key";

function requestOf(method: MethodContract, input: Readonly<Record<string, unknown>>): ContractRequest {
  const { params, verb, body } = method.http;
  let path = method.http.path;
  for (const param of params) path = path.replace(`{${param}}`, encodeURIComponent(scalarText(input[param])));
  const query = new URLSearchParams();
  for (const { name } of queryFields(method))
    if (input[name] !== undefined) query.set(name, scalarText(input[name]));
  const headers: Record<string, string> = {};
  if (method.effect === "command" && method.idempotency === "key") headers[KEY] = "contract-case";
  if (body !== "")
    headers["content-type"] =
      streamField(method) === undefined ? "application/json" : "application/octet-stream";
  const fields = Object.entries(input).filter(([name]) => !params.includes(name));
  return {
    verb,
    path: query.size === 0 ? path : `${path}?${query.toString()}`,
    headers,
    ...(body === "*" ? { body: JSON.stringify(Object.fromEntries(fields)) } : {}),
    ...(streamField(method) === undefined ? {} : { body: new Uint8Array(3) }),
  };
}

function scalarText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function variant(good: ContractCase, what: string, change: Partial<ContractCase>): ContractCase {
  return { ...good, name: `${good.method.name}: ${what}`, ...change };
}

function refused(status: number, code?: string): Expectation {
  return { kind: "refused", status, ...(code === undefined ? {} : { code }) };
}

function refusedField(path: string, codes: readonly string[]): Expectation {
  return { kind: "refused", status: 400, code: "invalid_request", field: { path, codes } };
}

export type ContractTarget = {
  readonly baseUrl: string;
  /** A token for a caller. */
  token(caller: Exclude<Caller, "nobody">): string | Promise<string>;
};

/** Codes that only the contract's own checks answer with; a request that reached its handler has another. */
const CONTRACT_CODES = new Set([
  "invalid_request",
  "malformed_json",
  "unsupported_media_type",
  "body_too_large",
  "missing_scope",
  "wrong_principal_kind",
  "idempotency_key_required",
  "idempotency_key_invalid",
  "method_not_allowed",
  "route_not_found",
  "internal",
]);

/** Send a case and assert its answer, and what holds for every answer: a request id, and problem+json for errors. */
export async function runContractCase(
  target: ContractTarget,
  { caller, request, expect }: ContractCase,
): Promise<void> {
  const authorization = caller === "nobody" ? {} : { authorization: `Bearer ${await target.token(caller)}` };
  const response = await fetch(target.baseUrl + request.path, {
    method: request.verb,
    headers: { ...request.headers, ...authorization },
    ...(request.body === undefined ? {} : { body: request.body }),
  });
  const text = await response.text();
  const said = `${response.status} ${text.slice(0, 500)}`;
  assert.match(response.headers.get("x-request-id") ?? "", /^[A-Za-z0-9_-]{1,64}$/, said);
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  if (response.status >= 400) assert.ok(isProblem, `not problem+json: ${said}`);
  const problem: Problem = isProblem ? JSON.parse(text) : {};
  if (expect.kind === "reaches_handler") {
    assert.ok(response.status !== 401 && !CONTRACT_CODES.has(problem.code ?? ""), said);
    return;
  }
  assert.equal(response.status, expect.status, said);
  if (expect.code !== undefined) assert.equal(problem.code, expect.code, said);
  const { field } = expect;
  if (field === undefined) return;
  const matches = (problem.field_errors ?? []).some(
    (error) => error.field === field.path && field.codes.includes(error.code),
  );
  assert.ok(matches, `no field error ${field.path} ${field.codes.join(" or ")}: ${said}`);
}

type Problem = {
  readonly code?: string;
  readonly field_errors?: readonly { readonly field: string; readonly code: string }[];
};
