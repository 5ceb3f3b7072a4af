// A method as its route option and HTTP annotation describe it: the one source
// for mounting, OpenAPI, and clients.

import {
  ScalarType,
  getOption,
  hasOption,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescMethod,
} from "@bufbuild/protobuf";
import type { Contract } from "./contract.ts";
import { enumWireName } from "./enum-names.ts";
import { accessValues, effectValues, ownerValues } from "./gen/openagents/protocol/v1/route_oa.ts";
import type { Access, Effect, Idempotency, Owner } from "./gen/openagents/protocol/v1/route_oa.ts";
import { http } from "./gen/google/api/annotations_pb.ts";
import type { HttpRule } from "./gen/google/api/http_pb.ts";
import {
  AccessSchema,
  EffectSchema,
  Idempotency as IdempotencyNumber,
  OwnerSchema,
  route,
} from "./gen/openagents/protocol/v1/route_pb.ts";

export type HttpVerb = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export type HttpMapping = {
  readonly verb: HttpVerb;
  /** The annotation's template, such as `/internal/v1/runs/{run_id}`; `{field=**}` stands here as `{field}`. */
  readonly path: string;
  /** The field that takes the path's rest with its slashes (`{field=**}`, the last segment); empty: none. */
  readonly rest: string;
  /** Fields taken from the path, in order. */
  readonly params: readonly string[];
  /** `*`: all other fields; a field's name: that one, and the rest from the query; empty: no body. */
  readonly body: string;
};

export type MethodContract = {
  /** Such as `openagents.runtime.v1.Runs.CreateRun`. */
  readonly name: string;
  /** Such as `createRun`. */
  readonly localName: string;
  readonly owner: Owner;
  readonly access: Access;
  /** Empty for public routes only. */
  readonly scope: string;
  readonly effect: Effect;
  readonly idempotency: Idempotency;
  readonly receiptSchemas: readonly string[];
  readonly successStatus: number;
  readonly bodyBytesMax: number;
  /** Whether it is taken while writes are frozen. */
  readonly whileFrozen: boolean;
  /** Whether it is also answered as server-sent events. */
  readonly eventStream: boolean;
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly http: HttpMapping;
};

/** Largest request body where the route names no other. */
export const BODY_BYTES_MAX = 1024 * 1024;

const HTTP_BODY = "google.api.HttpBody";

/** All methods of a contract. Throws for a method without a route option, an HTTP annotation, or with contradicting ones. */
export function methodsOf(contract: Contract): readonly MethodContract[] {
  return contract.service.methods.map(methodOf);
}

/** Every scope that some method needs, and `admin`; sorted. */
export function scopesOf(contracts: readonly Contract[]): string[] {
  const scopes = contracts.flatMap((contract) => methodsOf(contract).map(({ scope }) => scope));
  return [...new Set([...scopes.filter((scope) => scope !== ""), "admin"])].sort();
}

/** Whether a message is a byte stream rather than JSON. */
export function isByteStream(desc: DescMessage | undefined): boolean {
  return desc?.typeName === HTTP_BODY;
}

/** The request's byte stream field, when its body is one. */
export function streamField(method: MethodContract): DescField | undefined {
  const field = method.input.fields.find(({ name }) => name === method.http.body);
  return isByteStream(field?.message) ? field : undefined;
}

/** Fields that come from the query: neither in the path nor in the body. */
export function queryFields(method: MethodContract): readonly DescField[] {
  const { body, params } = method.http;
  if (body === "*") return [];
  return method.input.fields.filter(({ name }) => name !== body && !params.includes(name));
}

/** Fields of a JSON body. */
export function bodyFields(method: MethodContract): readonly DescField[] {
  if (method.http.body !== "*") return [];
  return method.input.fields.filter(({ name }) => !method.http.params.includes(name));
}

function methodOf(desc: DescMethod): MethodContract {
  const name = `${desc.parent.typeName}.${desc.name}`;
  const fail = (problem: string) => new Error(`${name}: ${problem}`);
  if (!hasOption(desc, route)) throw fail("has no option openagents.protocol.v1.route");
  if (!hasOption(desc, http)) throw fail("has no google.api.http annotation");
  if (desc.methodKind !== "unary") throw fail("streams; use google.api.HttpBody for byte streams");
  const option = getOption(desc, route);
  const method: MethodContract = {
    name,
    localName: desc.localName,
    owner: wordOf(ownerValues, OwnerSchema, option.owner, fail),
    access: wordOf(accessValues, AccessSchema, option.access, fail),
    scope: option.scope,
    effect: wordOf(effectValues, EffectSchema, option.effect, fail),
    idempotency: option.idempotency === IdempotencyNumber.NATURAL ? "natural" : "key",
    receiptSchemas: option.receiptSchemas,
    successStatus: option.successStatus === 0 ? 200 : option.successStatus,
    bodyBytesMax: option.bodyBytesMax === 0n ? BODY_BYTES_MAX : Number(option.bodyBytesMax),
    whileFrozen: option.whileFrozen,
    eventStream: option.eventStream,
    input: desc.input,
    output: desc.output,
    http: mappingOf(getOption(desc, http), desc.input, fail),
  };
  if (method.eventStream && (method.effect !== "read" || method.access === "public"))
    throw fail("is followed as it comes; only a read that is not public can be");
  if (method.access === "public" && method.effect === "command")
    throw fail("is a command; no command is public");
  if ((method.access === "public") !== (method.scope === ""))
    throw fail("needs a scope, unless it is public");
  assertMapped(method, fail);
  return method;
}

function wordOf<T extends string>(
  values: readonly T[],
  desc: DescEnum,
  number: number,
  fail: (problem: string) => Error,
): T {
  const value = desc.value[number];
  const word = value === undefined ? undefined : enumWireName(desc, value);
  const found = values.find((candidate) => candidate === word);
  if (found === undefined) throw fail(`its route option leaves ${desc.name} unspecified`);
  return found;
}

function mappingOf(rule: HttpRule, input: DescMessage, fail: (problem: string) => Error): HttpMapping {
  const { pattern } = rule;
  if (pattern.case === undefined || pattern.case === "custom")
    throw fail("has no get, post, put, patch or delete path");
  if (rule.additionalBindings.length > 0) throw fail("has additional_bindings; one method has one path");
  const rest = /\/\{([a-z][a-z0-9_]*)=\*\*\}$/.exec(pattern.value)?.[1] ?? "";
  const path = rest === "" ? pattern.value : pattern.value.replace(`{${rest}=**}`, `{${rest}}`);
  const params: string[] = [];
  for (const segment of path.split("/").slice(1)) {
    const match = /^\{([a-z][a-z0-9_]*)\}$/.exec(segment);
    if (match?.[1] !== undefined) params.push(match[1]);
    else if (!/^[a-z0-9][A-Za-z0-9._:-]*$/.test(segment))
      throw fail(`the path segment \`${segment}\` is neither a word nor \`{field}\``);
  }
  for (const param of params) {
    const field = input.fields.find(({ name }) => name === param);
    if (field?.fieldKind !== "scalar" && field?.fieldKind !== "enum")
      throw fail(`the path's \`${param}\` is no scalar field`);
  }
  const restField = input.fields.find(({ name }) => name === rest);
  if (rest !== "" && restField?.scalar !== ScalarType.STRING)
    throw fail(`the path's rest \`${rest}\` is no string field`);
  return { verb: VERBS[pattern.case], path, rest, params, body: rule.body };
}

const VERBS = { get: "GET", post: "POST", put: "PUT", patch: "PATCH", delete: "DELETE" } as const;

function assertMapped(method: MethodContract, fail: (problem: string) => Error): void {
  const { body, verb } = method.http;
  if (verb === "GET" && (body !== "" || method.effect === "command"))
    throw fail("GET has no body and commands nothing");
  if (body !== "" && body !== "*" && streamField(method) === undefined) {
    throw fail(`its body is \`${body}\`; a body is \`*\` or a google.api.HttpBody field`);
  }
  for (const field of queryFields(method)) {
    // A time is one text too.
    const isText = field.fieldKind === "scalar" || field.fieldKind === "enum" || isTimestamp(field);
    if (!isText) throw fail(`\`${field.name}\` cannot travel in a query`);
  }
}

function isTimestamp(field: DescField): boolean {
  return field.fieldKind === "message" && field.message.typeName === "google.protobuf.Timestamp";
}
