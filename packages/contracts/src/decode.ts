// What others send: checked against its schema, then turned into plain values.
//
// The schema answers first, because it names the rule that broke; the codec
// then refuses what JSON Schema cannot see (text, depth, real dates).

import type { DescMessage } from "@bufbuild/protobuf";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { decodeShape } from "./codec.ts";
import type { MessageDesc } from "./contract.ts";
import type { FieldError } from "./gen/openagents/protocol/v1/problem_oa.ts";
import { InvalidMessageError } from "./invalid-message.ts";
import { messageSchema } from "./schema.ts";
import { parseTimestamp } from "./timestamp.ts";

/** Most field errors that one answer lists. */
export const FIELD_ERRORS_MAX = 20;

/** Decode a value that must keep every rule of the contract. Throws `InvalidMessageError`. */
export function decode<T>(desc: MessageDesc<T>, json: unknown): T {
  const { valid } = validatorOf(desc);
  if (!valid(json)) throw new InvalidMessageError(fieldErrorsOf(desc, json));
  return decodeShape(desc, json);
}

/** Build a message's validator now, so that a bad rule stops the start and not the first request. */
export function prepareDecode(desc: DescMessage): void {
  validatorOf(desc);
}

type Validator = {
  /** Stops at the first error: a hostile body must not buy a long list of errors. */
  readonly valid: ValidateFunction;
  /** Compiled when first needed. */
  all: ValidateFunction | undefined;
};

const validators = new WeakMap<DescMessage, Validator>();

const FIRST = ajv(false);
const ALL = ajv(true);

/** Values with more members than this get their first error only. */
const MEMBERS_MAX = 1_000;

function ajv(allErrors: boolean): Ajv2020 {
  return new Ajv2020({
    allErrors,
    strict: true,
    strictRequired: false,
    // Schemas are ours and made by machine; checking them again costs most of the start.
    validateSchema: false,
    addUsedSchema: false,
    formats: { "date-time": (text: string) => parseTimestamp(text) !== undefined },
  });
}

function validatorOf(desc: DescMessage): Validator {
  const known = validators.get(desc);
  if (known !== undefined) return known;
  const validator: Validator = { valid: FIRST.compile(messageSchema(desc, "request")), all: undefined };
  validators.set(desc, validator);
  return validator;
}

function fieldErrorsOf(desc: DescMessage, json: unknown): FieldError[] {
  const validator = validatorOf(desc);
  let errors = validator.valid.errors ?? [];
  if (countMembers(json, MEMBERS_MAX) <= MEMBERS_MAX) {
    validator.all ??= ALL.compile(messageSchema(desc, "request"));
    if (!validator.all(json)) errors = validator.all.errors ?? errors;
  }
  return errors.slice(0, FIELD_ERRORS_MAX).map(fieldError);
}

/** Members of a value, counted up to just above a limit. */
function countMembers(value: unknown, limit: number): number {
  if (typeof value !== "object" || value === null) return 1;
  let count = 1;
  for (const member of Object.values(value)) {
    count += countMembers(member, limit - count);
    if (count > limit) break;
  }
  return count;
}

/** Our codes for the keywords that schemas of ours use. */
const CODES: Readonly<Record<string, string>> = {
  required: "required",
  additionalProperties: "unknown_field",
  type: "wrong_type",
  minimum: "out_of_range",
  maximum: "out_of_range",
  exclusiveMinimum: "out_of_range",
  exclusiveMaximum: "out_of_range",
  minLength: "too_short",
  maxLength: "too_long",
  minItems: "too_few",
  maxItems: "too_many",
  minProperties: "too_few",
  maxProperties: "too_many",
  uniqueItems: "not_unique",
  pattern: "wrong_format",
  format: "wrong_format",
  enum: "not_allowed",
  const: "not_allowed",
  not: "not_allowed",
};

function fieldError(error: ErrorObject): FieldError {
  const { keyword, params } = error;
  const at = wirePath(error.instancePath);
  const code = CODES[keyword] ?? "invalid";
  if (keyword === "required")
    return { field: join(at, String(params["missingProperty"])), code, message: "It is required." };
  if (keyword === "additionalProperties") {
    const field = join(at, String(params["additionalProperty"]).slice(0, 200));
    return { field, code, message: "The contract has no such field. Remove it, or check its spelling." };
  }
  return { field: at, code, message: messageOf(error) };
}

function messageOf(error: ErrorObject): string {
  const { keyword, params } = error;
  switch (keyword) {
    case "type":
      return `It must be of type ${String(params["type"])}.`;
    case "enum":
      return `It must be one of ${(params["allowedValues"] as readonly unknown[]).map(String).join(", ")}.`;
    case "const":
      return `It must be ${String(params["allowedValue"])}.`;
    case "pattern":
      return `It must match ${String(params["pattern"])}.`;
    case "format":
      return "It must be an RFC 3339 time in UTC that ends in Z.";
    case "minLength":
    case "maxLength":
      return `It must be ${keyword === "minLength" ? "at least" : "at most"} ${String(params["limit"])} characters long.`;
    case "minItems":
    case "maxItems":
    case "minProperties":
    case "maxProperties":
      return `It must have ${keyword.startsWith("min") ? "at least" : "at most"} ${String(params["limit"])} members.`;
    case "uniqueItems":
      return "Its members must differ from each other.";
    case "not":
      return "This value or combination of fields is not allowed.";
    default:
      return `It ${error.message ?? "is invalid"}.`;
  }
}

/** `/files/3/sha256` → `files[3].sha256`. */
function wirePath(pointer: string): string {
  let path = "";
  for (const token of pointer.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    path = /^(0|[1-9][0-9]*)$/.test(name) ? `${path}[${name}]` : join(path, name);
  }
  return path;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
