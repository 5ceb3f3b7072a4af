// Arbitrary values of a JSON Schema as the contract makes them: most keep every
// rule of it, so that they get behind the checks, and some do not.

import type { JsonSchema } from "@openagents/contracts";
import fc from "fast-check";
import { isSchema, propertiesOf, requiredOf, resolve, type SchemaRoot } from "./schema-sample.ts";

/** Nesting at which what is optional is left out. */
const DEPTH_MAX = 4;

/** Texts longer than this find nothing that shorter ones do not. */
const TEXT_LENGTH_MAX = 60;

export type ArbitraryOptions = {
  /** Texts that answers told, so that a request may be about what is there. */
  readonly told: () => readonly string[];
};

/** Of a message's schema; members that may be absent are, at times. */
export function arbitraryOf(root: SchemaRoot, options: ArbitraryOptions): fc.Arbitrary<unknown> {
  return build(root, root, options, 0);
}

function build(
  root: SchemaRoot,
  unresolved: JsonSchema,
  options: ArbitraryOptions,
  depth: number,
): fc.Arbitrary<unknown> {
  const schema = resolve(root, unresolved);
  if ("const" in schema) return fc.constant(schema["const"]);
  if (Array.isArray(schema["enum"])) return fc.constantFrom(...(schema["enum"] as unknown[]));
  switch (schema["type"]) {
    case "object":
      return objectOf(root, schema, options, depth);
    case "array":
      return arrayOf(root, schema, options, depth);
    case "string":
      return textOf(schema, options);
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number":
      return numberOf(schema);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectOf(
  root: SchemaRoot,
  schema: JsonSchema,
  options: ArbitraryOptions,
  depth: number,
): fc.Arbitrary<unknown> {
  const required = requiredOf(schema);
  const members = propertiesOf(schema).filter(([name]) => depth < DEPTH_MAX || required.includes(name));
  // One that names no members takes any: JSON of the caller's own.
  if (members.length === 0 && schema["additionalProperties"] !== false)
    return fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
  const model = Object.fromEntries(
    members.map(([name, property]) => [name, build(root, property, options, depth + 1)]),
  );
  return fc.record(model, { requiredKeys: required.filter((name) => Object.hasOwn(model, name)) });
}

function arrayOf(
  root: SchemaRoot,
  schema: JsonSchema,
  options: ArbitraryOptions,
  depth: number,
): fc.Arbitrary<unknown> {
  const items = isSchema(schema["items"]) ? schema["items"] : {};
  const minLength = Number(schema["minItems"] ?? 0);
  const maxLength = Math.max(minLength, Math.min(3, Number(schema["maxItems"] ?? 3)));
  return fc.array(build(root, items, options, depth + 1), { minLength, maxLength });
}

function textOf(schema: JsonSchema, options: ArbitraryOptions): fc.Arbitrary<unknown> {
  if (schema["format"] === "date-time")
    return fc
      .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString());
  const minLength = Number(schema["minLength"] ?? 0);
  const maxLength = Math.max(
    minLength,
    Math.min(TEXT_LENGTH_MAX, Number(schema["maxLength"] ?? TEXT_LENGTH_MAX)),
  );
  const pattern = typeof schema["pattern"] === "string" ? new RegExp(schema["pattern"], "u") : undefined;
  const fresh =
    pattern === undefined
      ? fc.string({ unit: "grapheme", minLength, maxLength }).map((text) => text.replaceAll("\u0000", ""))
      : fc.stringMatching(pattern);
  // Chosen by number at the time of the request, since what is told grows.
  const known = fc.tuple(fc.nat(), fresh).map(([index, otherwise]) => {
    const fitting = options.told().filter((text) => pattern?.test(text) ?? true);
    return fitting[index % Math.max(1, fitting.length)] ?? otherwise;
  });
  return fc.oneof({ weight: 2, arbitrary: fresh }, { weight: 3, arbitrary: known });
}

function numberOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const min = Number(schema["minimum"] ?? -(2 ** 31));
  const max = Number(schema["maximum"] ?? 2 ** 31 - 1);
  const [low, high] = [Math.ceil(min), Math.floor(max)];
  return fc.oneof(
    { weight: 30, arbitrary: fc.integer({ min: Math.min(low, high), max: high }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -1, 1.5, 2 ** 53) },
  );
}
