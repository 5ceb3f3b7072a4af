// The one canonical form of JSON, RFC 8785. Whatever is hashed or signed goes
// through here, so it may never depend on a locale, an insertion order or a
// library's taste.

import { JsonError, type JsonObject, type JsonValue } from "./json.ts";

/**
 * The canonical text of a value (RFC 8785). Members that are `undefined` are
 * left out, as in `JSON.stringify`. Throws `JsonError` for what JSON cannot say:
 * non-finite numbers, lone surrogates, functions, bigints.
 */
export function canonicalize(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      if (!Number.isFinite(value)) throw new JsonError(`${value} is not a JSON number`);
      // ECMAScript's shortest form is RFC 8785's, and prints -0 as 0.
      return String(value === 0 ? 0 : value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value);
    default:
      throw new JsonError(`a ${typeof value} is not JSON`);
  }
}

function canonicalArray(values: readonly unknown[]): string {
  let text = "[";
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) text += ",";
    text += canonicalize(values[index]);
  }
  return `${text}]`;
}

function canonicalObject(object: object): string {
  let text = "";
  // The default order compares UTF-16 code units, as RFC 8785 §3.2.3 asks.
  const members: Record<string, unknown> = { ...object };
  for (const key of Object.keys(members).sort()) {
    const value = members[key];
    if (value === undefined) continue;
    text += `${text === "" ? "" : ","}${quote(key)}:${canonicalize(value)}`;
  }
  return `{${text}}`;
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw new JsonError("a string holds a lone surrogate");
  return JSON.stringify(text);
}

/**
 * Throw `JsonError` unless every number in the value is a safe integer other
 * than -0: receipts hold no floats (money in msats, ratios in bps).
 */
export function assertReceiptNumbers(value: JsonValue): void {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw new JsonError(`${value} is not an integer that a receipt can hold`);
    }
  } else if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) assertReceiptNumbers(item);
  } else if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value as JsonObject)) assertReceiptNumbers(member);
  }
}
