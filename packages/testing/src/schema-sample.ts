// A value that keeps every rule of a JSON Schema as the contract makes them.

import fc from "fast-check";
import type { JsonSchema } from "@openagents/contracts";

/** Where a schema's `$ref`s point. */
export type SchemaRoot = JsonSchema;

/** Nesting at which a sample stops taking what is optional. */
const DEPTH_MAX = 8;

/** Follow a `$ref`. */
export function resolve(root: SchemaRoot, schema: JsonSchema): JsonSchema {
  const reference = schema["$ref"];
  if (typeof reference !== "string") return schema;
  const target = isSchema(root["$defs"]) ? root["$defs"][reference.replace("#/$defs/", "")] : undefined;
  if (!isSchema(target)) throw new Error(`the schema has no ${reference}`);
  return target;
}

/** The same sample for the same schema; members that may be absent are absent. */
export function sample(root: SchemaRoot, unresolved: JsonSchema, depth = 0): unknown {
  if (depth > DEPTH_MAX) throw new Error("the schema requires a message inside of itself");
  const schema = resolve(root, unresolved);
  if ("const" in schema) return schema["const"];
  const choices = schema["enum"];
  if (Array.isArray(choices)) return choices.find((choice) => !isExcluded(schema, choice));
  switch (schema["type"]) {
    case "object":
      return sampleObject(root, schema, depth);
    case "array":
      return Array.from({ length: Number(schema["minItems"] ?? 0) }, (_, index) =>
        sampleItem(root, schema, index, depth),
      );
    case "string":
      return sampleString(schema);
    case "boolean":
      return false;
    case "integer":
    case "number":
      return sampleNumber(schema);
    default:
      throw new Error(`there is no sample for a schema of type ${String(schema["type"])}`);
  }
}

/** The sample's element of an array; different for each index where they must differ. */
export function sampleItem(root: SchemaRoot, array: JsonSchema, index: number, depth = 0): unknown {
  const items = isSchema(array["items"]) ? resolve(root, array["items"]) : {};
  if (array["uniqueItems"] === true && Array.isArray(items["enum"])) return items["enum"][index];
  return sample(root, items, depth + 1);
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function propertiesOf(schema: JsonSchema): (readonly [string, JsonSchema])[] {
  const properties = schema["properties"];
  if (!isSchema(properties)) return [];
  return Object.entries(properties).flatMap(([name, property]) =>
    isSchema(property) ? [[name, property] as const] : [],
  );
}

export function requiredOf(schema: JsonSchema): readonly string[] {
  const required = schema["required"];
  return Array.isArray(required) ? required.map(String) : [];
}

function sampleObject(root: SchemaRoot, schema: JsonSchema, depth: number): Record<string, unknown> {
  const required = [...requiredOf(schema), ...firstChoices(schema)];
  const members = propertiesOf(schema).filter(([name]) => required.includes(name));
  return Object.fromEntries(members.map(([name, property]) => [name, sample(root, property, depth + 1)]));
}

function sampleString(schema: JsonSchema): string {
  if (schema["format"] === "date-time") return "2026-02-21T12:00:00.000Z";
  const min = Number(schema["minLength"] ?? 0);
  const max = Number(schema["maxLength"] ?? Math.max(min, 1));
  const pattern = schema["pattern"];
  if (typeof pattern !== "string") return "a".repeat(Math.max(min, Math.min(1, max)));
  const fits = (text: string) => {
    // In code points, as JSON Schema counts.
    const length = Array.from(text).length;
    return length >= min && length <= Number(schema["maxLength"] ?? 10_000);
  };
  const matching = fc.stringMatching(new RegExp(pattern, "u")).filter(fits);
  const [text] = fc.sample(matching, { numRuns: 1, seed: 1 });
  if (text === undefined) throw new Error(`nothing matches ${pattern}`);
  return text;
}

function sampleNumber(schema: JsonSchema): number {
  const least = Number(schema["minimum"] ?? Number(schema["exclusiveMinimum"] ?? -1) + 1);
  const number = Math.max(least, Math.min(0, Number(schema["maximum"] ?? 0)));
  return isExcluded(schema, number) ? number + 1 : number;
}

function isExcluded(schema: JsonSchema, value: unknown): boolean {
  const not = schema["not"];
  if (!isSchema(not)) return false;
  return not["const"] === value || (Array.isArray(not["enum"]) && not["enum"].includes(value));
}

/** Of each choice of which one member must be there, the first. */
function firstChoices(schema: JsonSchema): string[] {
  const choices = Array.isArray(schema["allOf"]) ? schema["allOf"].filter(isSchema) : [];
  return choices.flatMap((choice) => {
    const [first] = Array.isArray(choice["anyOf"]) ? choice["anyOf"].filter(isSchema) : [];
    return first === undefined ? [] : requiredOf(first);
  });
}
