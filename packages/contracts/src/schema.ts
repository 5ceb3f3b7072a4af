// JSON Schema (draft 2020-12) of messages, from their descriptors and rules.
// Requests are closed and may leave out what has a default; answers are open,
// so that an older reader takes a newer answer, and carry every set field.

import { ScalarType, type DescField, type DescMessage, type DescOneof } from "@bufbuild/protobuf";
import { BASE64_PATTERN } from "./base64.ts";
import type { Comments } from "./contract.ts";
import { enumWireValues } from "./enum-names.ts";
import { isSecret } from "./secrets.ts";
import { assertNoMessageRules, isOneofRequired, rulesOf, type JsonSchema, type Rules } from "./rules.ts";
import { TIMESTAMP_PATTERN } from "./timestamp.ts";

export type { JsonSchema } from "./rules.ts";

export type SchemaMode = "request" | "answer";

export type SchemaOptions = {
  readonly mode: SchemaMode;
  /** Descriptions are added from these. */
  readonly comments?: Comments;
  /** Names and keeps the schema of a nested message; answers the `$ref` to it. */
  readonly refer: (desc: DescMessage) => string;
};

/** The self-contained schema of one message, nested messages under `$defs`. */
export function messageSchema(desc: DescMessage, mode: SchemaMode): JsonSchema {
  const defs: Record<string, JsonSchema> = {};
  const options: SchemaOptions = {
    mode,
    refer(nested) {
      if (!Object.hasOwn(defs, nested.typeName)) {
        defs[nested.typeName] = {};
        defs[nested.typeName] = objectSchema(nested, options);
      }
      return `#/$defs/${nested.typeName}`;
    },
  };
  const schema = objectSchema(desc, options);
  return Object.keys(defs).length === 0 ? schema : { ...schema, $defs: defs };
}

/**
 * The schema of one message; of some of its fields where `fields` is given.
 * Throws for a rule that JSON Schema cannot say.
 */
export function objectSchema(
  desc: DescMessage,
  options: SchemaOptions,
  fields: readonly DescField[] = desc.fields,
): JsonSchema {
  assertNoMessageRules(desc);
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const field of fields) {
    if (isStream(field)) continue;
    properties[field.name] = fieldSchema(field, options);
    if (isRequired(field, options.mode)) required.push(field.name);
  }
  return {
    ...describe(options.comments, desc.typeName),
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required }),
    ...exclusions(desc.oneofs),
    ...(options.mode === "request" ? requiredChoices(desc.oneofs) : {}),
    ...(options.mode === "request" ? { additionalProperties: false } : {}),
  };
}

/** The schema of one field, with its rules and comment. */
export function fieldSchema(field: DescField, options: SchemaOptions): JsonSchema {
  const rules = rulesOf(field);
  const own = ownSchema(field, rules, options);
  const description = describe(options.comments, `${field.parent.typeName}.${field.name}`);
  const shownOnce = isSecret(field) ? { "x-oa-secret": true } : {};
  return { ...description, ...own, ...shownOnce };
}

/** Whether a request may leave a field out is decided by presence, by `required`, and by whether its zero passes its own rules. */
function isRequired(field: DescField, mode: SchemaMode): boolean {
  if (isOptional(field)) return mode === "request" && rulesOf(field).required;
  if (mode === "answer") return true;
  const rules = rulesOf(field);
  if (rules.required) return true;
  if (field.fieldKind === "message") return field.message.typeName !== "google.protobuf.Struct";
  if (field.fieldKind === "enum") return true;
  return !acceptsZero(field, rules.keywords);
}

function ownSchema(field: DescField, rules: Rules, options: SchemaOptions): JsonSchema {
  const zeroRefused = rules.required && !isOptional(field) ? nonZero(field) : {};
  if (field.fieldKind === "list") {
    const items = merge(elementSchema(field, options), rules.items);
    return merge({ type: "array", items, ...rules.keywords }, zeroRefused);
  }
  if (field.fieldKind === "map") {
    return merge(
      {
        type: "object",
        ...(Object.keys(rules.keys).length === 0 ? {} : { propertyNames: rules.keys }),
        additionalProperties: merge(elementSchema(field, options), rules.values),
        ...rules.keywords,
      },
      zeroRefused,
    );
  }
  return merge(merge(elementSchema(field, options), rules.keywords), zeroRefused);
}

function elementSchema(field: DescField, options: SchemaOptions): JsonSchema {
  if (field.enum !== undefined) return { type: "string", enum: enumWireValues(field.enum) };
  const { message } = field;
  if (message?.typeName === "google.protobuf.Timestamp")
    return { type: "string", format: "date-time", pattern: TIMESTAMP_PATTERN };
  if (message?.typeName === "google.protobuf.Struct") return { type: "object" };
  if (message !== undefined) return { $ref: options.refer(message) };
  switch (field.scalar) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64", pattern: BASE64_PATTERN };
    case ScalarType.DOUBLE:
      return { type: "number" };
    case ScalarType.INT32:
      return integer(-(2 ** 31), 2 ** 31 - 1);
    case ScalarType.UINT32:
      return integer(0, 2 ** 32 - 1);
    case ScalarType.INT64:
      return integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    case ScalarType.UINT64:
      return integer(0, Number.MAX_SAFE_INTEGER);
    default:
      throw new Error(`${field.toString()} is of a type that the contract does not carry`);
  }
}

function integer(minimum: number, maximum: number): JsonSchema {
  return { type: "integer", minimum, maximum };
}

/** Join two schemas of one value. The narrower bound stays, and an enum is narrowed to what both list. */
function merge(base: JsonSchema, rules: JsonSchema): JsonSchema {
  const merged: JsonSchema = { ...base };
  for (const [keyword, value] of Object.entries(rules)) {
    const before = merged[keyword];
    if (before === undefined) merged[keyword] = value;
    else if (keyword.startsWith("min") && typeof before === "number")
      merged[keyword] = Math.max(before, Number(value));
    else if (keyword.startsWith("max") && typeof before === "number")
      merged[keyword] = Math.min(before, Number(value));
    else if (keyword === "enum" && Array.isArray(before) && Array.isArray(value)) {
      merged[keyword] = before.filter((item) => value.includes(item));
    } else
      merged["allOf"] = [...(Array.isArray(merged["allOf"]) ? merged["allOf"] : []), { [keyword]: value }];
  }
  return merged;
}

/** `required` on a field whose absence is its zero value means: not the zero value. */
function nonZero(field: DescField): JsonSchema {
  if (field.fieldKind === "list") return { minItems: 1 };
  if (field.fieldKind === "map") return { minProperties: 1 };
  if (field.fieldKind !== "scalar") return {};
  if (field.scalar === ScalarType.BOOL) return { const: true };
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) return { minLength: 1 };
  return { not: { const: 0 } };
}

function acceptsZero(field: DescField, keywords: JsonSchema): boolean {
  const {
    minItems,
    minProperties,
    minLength,
    pattern,
    minimum,
    maximum,
    exclusiveMinimum,
    exclusiveMaximum,
    not,
  } = keywords;
  const zero = field.fieldKind !== "scalar" ? undefined : zeroOf(field.scalar);
  if ("const" in keywords && keywords["const"] !== zero) return false;
  if (Array.isArray(keywords["enum"]) && !keywords["enum"].includes(zero)) return false;
  if (isNotEnum(not) && not.enum.includes(zero)) return false;
  if (typeof pattern === "string" && !RegExp(pattern, "u").test("")) return false;
  for (const least of [minItems, minProperties, minLength])
    if (typeof least === "number" && least > 0) return false;
  if (typeof minimum === "number" && minimum > 0) return false;
  if (typeof exclusiveMinimum === "number" && exclusiveMinimum >= 0) return false;
  if (typeof maximum === "number" && maximum < 0) return false;
  return !(typeof exclusiveMaximum === "number" && exclusiveMaximum <= 0);
}

function isNotEnum(not: unknown): not is { readonly enum: readonly unknown[] } {
  return typeof not === "object" && not !== null && "enum" in not && Array.isArray(not.enum);
}

function zeroOf(scalar: ScalarType): unknown {
  if (scalar === ScalarType.BOOL) return false;
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES ? "" : 0;
}

/** At most one member of each oneof. */
function exclusions(oneofs: readonly DescOneof[]): JsonSchema {
  const pairs = oneofs.flatMap(({ fields }) =>
    fields.flatMap((first, index) =>
      fields.slice(index + 1).map((second) => ({ required: [first.name, second.name] })),
    ),
  );
  return pairs.length === 0 ? {} : { not: { anyOf: pairs } };
}

/** At least one member of each oneof that is required. */
function requiredChoices(oneofs: readonly DescOneof[]): JsonSchema {
  const choices = oneofs
    .filter(isOneofRequired)
    .map(({ fields }) => ({ anyOf: fields.map((field) => ({ required: [field.name] })) }));
  return choices.length === 0 ? {} : { allOf: choices };
}

function isOptional(field: DescField): boolean {
  if (field.fieldKind === "list" || field.fieldKind === "map") return false;
  return field.oneof !== undefined || field.proto.proto3Optional;
}

function isStream(field: DescField): boolean {
  return field.message?.typeName === "google.api.HttpBody";
}

function describe(comments: Comments | undefined, name: string): JsonSchema {
  const description = comments?.[name];
  return description === undefined ? {} : { description };
}
