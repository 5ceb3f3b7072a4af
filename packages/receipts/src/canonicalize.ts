// The one canonical form of JSON, RFC 8785. Whatever is hashed or signed goes
// through here, so it may never depend on a locale, an insertion order or a
// library's taste.
//
// JCS-1  Equal values have equal bytes, whatever order their members came in.
// JCS-2  What JSON cannot say is refused, never repaired.
// Held by canonicalize.test.ts.

import { JsonError, type JsonValue } from "./json.ts";

/** Nesting allowed; a value that contains itself runs into it too. */
export const DEPTH_MAX = 64;

/**
 * The canonical text of a value (RFC 8785). Members that are `undefined` are
 * left out, as in `JSON.stringify`. Throws `JsonError` for what JSON cannot say:
 * non-finite numbers, lone surrogates, functions, bigints, objects with a class
 * (a Date or Map would become something else), nesting deeper than 64.
 */
export function canonicalize(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      if (!Number.isFinite(value)) throw new JsonError(`${value} is not a JSON number`);
      // ECMAScript's shortest form is RFC 8785's, and prints -0 as 0.
      return `${value}`;
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (depth === DEPTH_MAX) throw new JsonError(`the value is nested deeper than ${DEPTH_MAX}`);
      return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1);
    default:
      throw new JsonError(`a ${typeof value} is not JSON`);
  }
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = "[";
  // By index, so that a hole in the array is met as `undefined` and refused.
  for (let index = 0; index < items.length; index += 1) {
    if (index > 0) text += ",";
    text += write(items[index], depth);
  }
  return `${text}]`;
}

function writeObject(object: object, depth: number): string {
  if (!isPlainObject(object)) throw new JsonError("an object with a class is not JSON");
  const keys = Object.keys(object);
  // The default order compares UTF-16 code units, as RFC 8785 §3.2.3 asks.
  if (!isSorted(keys)) keys.sort();
  let text = "{";
  for (const key of keys) {
    const value = object[key];
    if (value === undefined) continue;
    if (text.length > 1) text += ",";
    text += `${quote(key)}:${write(value, depth)}`;
  }
  return `${text}}`;
}

function isPlainObject(object: object): object is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

/** Most objects that come here were canonical text before; sorting them again is the larger cost. */
function isSorted(keys: readonly string[]): boolean {
  let previous = "";
  for (const key of keys) {
    if (key < previous) return false;
    previous = key;
  }
  return true;
}

/** Up to this length, looking at each unit costs less than a call into the engine. */
const SCAN_LENGTH_MAX = 64;

function quote(text: string): string {
  if (text.length <= SCAN_LENGTH_MAX && needsNoEscape(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new JsonError("a string holds a lone surrogate");
  return JSON.stringify(text);
}

function needsNoEscape(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit >= 0xd800) return false;
  }
  return true;
}

/**
 * Throw `JsonError` unless every number in the value is a safe integer other
 * than -0: receipts hold no floats (money in msats, ratios in bps).
 */
export function assertReceiptNumbers(value: JsonValue): void {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw new JsonError(`${Object.is(value, -0) ? "-0" : value} is not an integer that a receipt can hold`);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const member of Object.values<JsonValue>(value)) assertReceiptNumbers(member);
  }
}
