// JSON request bodies, read more strictly than `JSON.parse` does: valid UTF-8,
// one object, no key twice, none that could reach a prototype, bounded depth.

import { ProblemError } from "./problem.ts";
import { isPlainObject } from "./struct.ts";

/** Levels of nesting in any body; every contract needs fewer. */
export const BODY_DEPTH_MAX = 64;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The object that a request's bytes spell. Throws 400 `malformed_json`,
 * `duplicate_key`, `forbidden_key`, `too_deep` or `not_an_object`.
 */
export function parseJsonBody(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const text = decodeUtf8(bytes);
  const value = parse(text);
  if (!isPlainObject(value)) throw refused("not_an_object", "The body must be one JSON object.");
  // Of two equal keys JSON.parse drops one, so the text then has more colons than the value has keys.
  if (countKeys(value, 1) !== countColons(text)) {
    throw refused("duplicate_key", "The body names a key twice in one object. Send each key once.");
  }
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw refused("malformed_json", "The body is not valid UTF-8.", error);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused("malformed_json", "The body is not valid JSON.", error);
  }
}

function countKeys(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth > BODY_DEPTH_MAX) {
    throw refused("too_deep", `The body is nested deeper than ${BODY_DEPTH_MAX} levels.`);
  }
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item, depth + 1);
    return count;
  }
  for (const [key, member] of Object.entries(value)) {
    // Code that copies members by assignment would set the prototype instead.
    if (key === "__proto__")
      throw refused("forbidden_key", "The body has a key `__proto__`, which is not accepted.");
    count += 1 + countKeys(member, depth + 1);
  }
  return count;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** Colons outside of strings in text that is known to be JSON. */
function countColons(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COLON) count++;
    else if (code === QUOTE) at = endOfString(text, at);
  }
  return count;
}

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
}

function refused(code: string, detail: string, cause?: unknown): ProblemError {
  return new ProblemError({ status: 400, code, detail, cause });
}
