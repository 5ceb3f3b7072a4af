// A JSON reader that never repairs: one text has one meaning, or is refused.
//
// `JSON.parse` judges the grammar. The scan before it finds what the grammar
// allows and a hash must not: a repeated member (the last one would win), a
// lone surrogate, a number beyond every double, unbounded nesting.
// Held by parse.test.ts.

import { DEPTH_MAX } from "./canonicalize.ts";
import { JsonError, type JsonValue } from "./json.ts";

/** Longest text that is read, in bytes or UTF-16 units. */
export const TEXT_LENGTH_MAX = 16 * 1024 * 1024;

/**
 * Read JSON text exactly, or throw JsonError saying where and why.
 *
 * Refused: invalid UTF-8 (when given bytes), a byte order mark, anything after
 * the value, repeated members, lone surrogates raw or escaped, numbers too
 * large for a double, nesting deeper than 64, text longer than 16 MiB.
 * Integers beyond 2^53−1 round as everywhere in RFC 8785; `assertReceiptNumbers`
 * refuses them where a receipt is meant.
 */
export function parseStrict(input: string | Uint8Array): JsonValue {
  if (input.length > TEXT_LENGTH_MAX) {
    throw new JsonError(`the text is longer than ${TEXT_LENGTH_MAX}`);
  }
  const text = typeof input === "string" ? input : decodeUtf8(input);
  if (!text.isWellFormed()) throw new JsonError("the text holds a lone surrogate");
  scan(text);
  return parseJson(text, 0) as JsonValue;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new JsonError("the text is not valid UTF-8");
  }
}

function parseJson(text: string, offset: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new JsonError(
      `the text is not JSON: ${error instanceof Error ? error.message : ""}`,
      offset || undefined,
    );
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Makes no judgement of the grammar: on text that is not JSON it may find nothing, and the parser refuses it. */
function scan(text: string): void {
  // The members seen of each open object; undefined for an open array.
  const open: (Set<string> | undefined)[] = [];
  let isKeyNext = false;
  let index = 0;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) {
      const end = endOfString(text, index);
      const members = open.at(-1);
      if (isKeyNext && members !== undefined) {
        const key = stringAt(text, index, end);
        if (members.has(key)) throw new JsonError(`the member ${JSON.stringify(key)} is repeated`, index);
        members.add(key);
        isKeyNext = false;
      } else {
        stringAt(text, index, end);
      }
      index = end;
    } else if (isDigit(unit)) {
      index = checkNumber(text, index);
    } else {
      if (unit === OPEN_OBJECT || unit === OPEN_ARRAY) {
        if (open.length === DEPTH_MAX)
          throw new JsonError(`the text is nested deeper than ${DEPTH_MAX}`, index);
        open.push(unit === OPEN_OBJECT ? new Set() : undefined);
        isKeyNext = unit === OPEN_OBJECT;
      } else if (unit === CLOSE_OBJECT || unit === CLOSE_ARRAY) {
        open.pop();
        isKeyNext = false;
      } else if (unit === COMMA) {
        isKeyNext = true;
      }
      index += 1;
    }
  }
}

/** One past the closing quote; the text's length when it never closes. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) return index + 1;
    if (unit === BACKSLASH) index += 1;
  }
  return text.length;
}

/** The string of a token. Two spellings of one member (`"a"`, `"\u0061"`) are the same string. */
function stringAt(text: string, start: number, end: number): string {
  const token = text.slice(start, end);
  if (!token.includes("\\") && token.length > 1) return token.slice(1, -1);
  const value = parseJson(token, start);
  if (typeof value !== "string" || !value.isWellFormed()) {
    throw new JsonError("a string holds a lone surrogate", start);
  }
  return value;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

const NUMBER_TAIL = /[0-9.eE+-]*/y;

function checkNumber(text: string, start: number): number {
  NUMBER_TAIL.lastIndex = start;
  NUMBER_TAIL.exec(text);
  const end = NUMBER_TAIL.lastIndex;
  if (Math.abs(Number(text.slice(start, end))) === Infinity) {
    throw new JsonError("a number is too large for a double", start);
  }
  return end;
}
