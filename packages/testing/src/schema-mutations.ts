// Every way to break one rule of a schema, each with what must be said about it.

import type { JsonSchema } from "@openagents/contracts";
import {
  isSchema,
  propertiesOf,
  requiredOf,
  resolve,
  sample,
  sampleItem,
  type SchemaRoot,
} from "./schema-sample.ts";

export type Mutation = {
  /** Reads on from the field's name: `is too long`. */
  readonly what: string;
  /** The whole message, with one thing wrong. */
  readonly message: unknown;
  readonly field: string;
  /** Codes that name the broken rule; the answer must carry one of them. */
  readonly codes: readonly string[];
};

/** Levels of messages that are looked into. */
const DEPTH_MAX = 6;

/** Levels of objects in a struct that is too deep. */
const STRUCT_TOO_DEEP = 33;

/** A place in a message: its schema, and how to put another value there. */
type Place = {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly value: unknown;
  readonly put: (value: unknown) => unknown;
};

/** All single mutations of a valid message, field by field, nested messages and array elements included. */
export function* mutations(
  root: SchemaRoot,
  message: Readonly<Record<string, unknown>>,
): Generator<Mutation> {
  yield* ofObject(root, { path: "", schema: root, value: message, put: (value) => value }, 0);
}

function* ofPlace(root: SchemaRoot, place: Place, depth: number): Generator<Mutation> {
  const { schema } = place;
  if (depth > DEPTH_MAX) return;
  yield wrong(place, "is of the wrong type", wrongType(schema), ["wrong_type"]);
  yield wrong(place, "is null", null, ["wrong_type"]);
  if (Array.isArray(schema["enum"])) {
    const value = schema["type"] === "string" ? "no_such_value" : 123_456;
    yield wrong(place, "is none of the allowed values", value, ["not_allowed"]);
  } else if (schema["type"] === "string") yield* ofString(place);
  else if (schema["type"] === "integer" || schema["type"] === "number") yield* ofNumber(place);
  else if (schema["type"] === "array") yield* ofArray(root, place, depth);
  else if (isStruct(schema)) yield* ofStruct(place);
  else if (schema["type"] === "object") yield* ofObject(root, place, depth);
}

function* ofObject(root: SchemaRoot, place: Place, depth: number): Generator<Mutation> {
  const { schema, path } = place;
  const value = isSchema(place.value) ? place.value : {};
  const unknown = "no_such_field";
  yield {
    ...wrong(place, "has an unknown field", { ...value, [unknown]: 1 }, ["unknown_field"]),
    field: join(path, unknown),
  };
  const required = requiredOf(schema);
  for (const [name, property] of propertiesOf(schema)) {
    const inner = resolve(root, property);
    const field = join(path, name);
    if (required.includes(name)) {
      const { [name]: _left, ...rest } = value;
      yield { ...wrong(place, "is left out", rest, ["required"]), field };
    }
    const own = name in value ? value[name] : sample(root, inner);
    yield* ofPlace(
      root,
      {
        path: field,
        schema: inner,
        value: own,
        put: (next) => place.put({ ...withoutRivals(schema, value, name), [name]: next }),
      },
      depth + 1,
    );
  }
}

/** The members that may stand beside `name`: of a oneof, no other. */
function withoutRivals(
  schema: JsonSchema,
  value: Readonly<Record<string, unknown>>,
  name: string,
): Record<string, unknown> {
  const pairs =
    isSchema(schema["not"]) && Array.isArray(schema["not"]["anyOf"]) ? schema["not"]["anyOf"] : [];
  const rivals = pairs
    .filter(isSchema)
    .map(requiredOf)
    .filter((pair) => pair.includes(name))
    .flat();
  return Object.fromEntries(Object.entries(value).filter(([other]) => !rivals.includes(other)));
}

function* ofString(place: Place): Generator<Mutation> {
  const { schema } = place;
  const { minLength, maxLength, pattern } = schema;
  const isFree = pattern === undefined && schema["format"] === undefined && schema["const"] === undefined;
  if (typeof maxLength === "number") {
    yield wrong(place, "is too long", "a".repeat(maxLength + 1), ["too_long", "wrong_format"]);
  }
  if (typeof minLength === "number" && minLength > 0 && isFree) {
    yield wrong(place, "is too short", "a".repeat(minLength - 1), ["too_short"]);
  }
  if (typeof pattern === "string" && !new RegExp(pattern, "u").test(NO_PATTERN)) {
    yield wrong(place, "does not match its pattern", NO_PATTERN, ["wrong_format", "too_long"]);
  }
  if (isFree) {
    yield wrong(place, "has the character U+0000", "a\0b", ["invalid_text"]);
    yield wrong(place, "has half a surrogate pair", "a\ud800b", ["invalid_text"]);
  }
}

const NO_PATTERN = "\u{1f0a1} ?";

function* ofNumber(place: Place): Generator<Mutation> {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, type } = place.schema;
  if (typeof minimum === "number") yield wrong(place, "is below its range", minimum - 1, ["out_of_range"]);
  if (typeof maximum === "number") yield wrong(place, "is above its range", maximum + 1, ["out_of_range"]);
  if (typeof exclusiveMinimum === "number")
    yield wrong(place, "is on its open bound", exclusiveMinimum, ["out_of_range"]);
  if (typeof exclusiveMaximum === "number")
    yield wrong(place, "is on its open bound", exclusiveMaximum, ["out_of_range"]);
  if (type === "integer") yield wrong(place, "has a fraction", Number(place.value) + 0.5, ["wrong_type"]);
}

function* ofArray(root: SchemaRoot, place: Place, depth: number): Generator<Mutation> {
  const { schema } = place;
  const { minItems, maxItems } = schema;
  const items = isSchema(schema["items"]) ? resolve(root, schema["items"]) : undefined;
  if (items === undefined) return;
  const first = sampleItem(root, schema, 0);
  if (typeof minItems === "number" && minItems > 0)
    yield wrong(place, "has too few elements", [], ["too_few"]);
  if (typeof maxItems === "number") {
    const many = Array.from({ length: maxItems + 1 }, () => first);
    yield wrong(place, "has too many elements", many, ["too_many"]);
  }
  if (schema["uniqueItems"] === true)
    yield wrong(place, "has an element twice", [first, first], ["not_unique"]);
  const put = (value: unknown) =>
    place.put([value, ...(Array.isArray(place.value) ? place.value.slice(1) : [])]);
  yield* ofPlace(root, { path: `${place.path}[0]`, schema: items, value: first, put }, depth + 1);
}

function* ofStruct(place: Place): Generator<Mutation> {
  let deep: unknown = 1;
  for (let level = 0; level < STRUCT_TOO_DEEP; level++) deep = { a: deep };
  yield {
    ...wrong(place, "is nested too deep", deep, ["too_deep"]),
    field: `${place.path}${".a".repeat(STRUCT_TOO_DEEP - 1)}`,
  };
  yield {
    ...wrong(place, "holds the character U+0000", { a: ["\0"] }, ["invalid_text"]),
    field: `${place.path}.a[0]`,
  };
  yield {
    ...wrong(place, "holds half a surrogate pair", { a: "\udc00" }, ["invalid_text"]),
    field: `${place.path}.a`,
  };
  yield {
    ...wrong(place, "has a key with U+0000", { "\0": 1 }, ["invalid_text"]),
    field: `${place.path}.\0`,
  };
  yield {
    ...wrong(place, "holds a number beyond 2^53", { a: 2 ** 53 }, ["out_of_range"]),
    field: `${place.path}.a`,
  };
}

function wrong(place: Place, what: string, value: unknown, codes: readonly string[]): Mutation {
  return { what, message: place.put(value), field: place.path, codes };
}

function wrongType(schema: JsonSchema): unknown {
  return schema["type"] === "string" ? 5 : "text";
}

function isStruct(schema: JsonSchema): boolean {
  return (
    schema["type"] === "object" &&
    schema["properties"] === undefined &&
    schema["additionalProperties"] === undefined
  );
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
