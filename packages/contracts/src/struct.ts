// What a `google.protobuf.Struct` may hold, both ways: JSON that every store,
// hash and signature of ours treats alike.

import type { JsonObject } from "./contract.ts";
import { fault, within } from "./fault.ts";

/** Levels of objects and arrays, the struct itself included. */
export const STRUCT_DEPTH_MAX = 32;

/** Accept a JSON object as a struct, or throw a fault that names the offending member. */
export function checkStruct(value: unknown): JsonObject {
  if (!isPlainObject(value)) throw fault("wrong_type", "must be a JSON object");
  checkObject(value, 1);
  return value as JsonObject;
}

/** Throws for text that PostgreSQL or UTF-8 cannot carry. */
export function checkText(text: string): string {
  if (text.includes("\0")) throw fault("invalid_text", "must not contain the character U+0000");
  if (!text.isWellFormed()) throw fault("invalid_text", "must not contain half of a surrogate pair");
  return text;
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkObject(value: Readonly<Record<string, unknown>>, depth: number): void {
  for (const key of Object.keys(value)) {
    within(`.${key}`, () => {
      checkText(key);
      checkValue(value[key], depth);
    });
  }
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value === "string") {
    checkText(value);
  } else if (typeof value === "number") {
    // Above 2^53 neighbours share a double, so parsing has already changed the number.
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER))
      throw fault("out_of_range", "must be within ±(2^53−1)");
  } else if (typeof value === "object" && value !== null) {
    if (depth >= STRUCT_DEPTH_MAX)
      throw fault("too_deep", `must be nested at most ${STRUCT_DEPTH_MAX} levels deep`);
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) within(`[${index}]`, () => checkValue(item, depth + 1));
    } else {
      checkObject(value as Readonly<Record<string, unknown>>, depth + 1);
    }
  } else if (value !== null && typeof value !== "boolean") {
    throw fault("wrong_type", "must be JSON");
  }
}
