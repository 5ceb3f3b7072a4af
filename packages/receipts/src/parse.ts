// A JSON reader that never repairs: one text has one meaning, or is refused.
// `JSON.parse` keeps the last of two equal keys and lets lone surrogates pass,
// so two readers could see two receipts in one file.

import { JsonError, type JsonValue } from "./json.ts";

const DEPTH_MAX = 64;

/**
 * Parse JSON text (RFC 8259). Bytes must be UTF-8 without a byte order mark.
 * Throws `JsonError`, with the offset, for duplicate keys, lone surrogates,
 * trailing text, nesting deeper than 64, and anything that is not JSON.
 */
export function parseStrict(input: string | Uint8Array): JsonValue {
  const text = typeof input === "string" ? input : decodeUtf8(input);
  const reader = new Reader(text);
  reader.skipSpace();
  const value = reader.readValue(0);
  reader.skipSpace();
  reader.expectEnd();
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new JsonError("the bytes are not UTF-8");
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
/** Up to the closing quote; escapes are checked by JSON.parse afterwards. */
// oxlint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;

class Reader {
  private readonly text: string;
  private offset = 0;

  constructor(text: string) {
    this.text = text;
  }

  readValue(depth: number): JsonValue {
    if (depth > DEPTH_MAX) throw this.error(`nested deeper than ${DEPTH_MAX}`);
    const char = this.text[this.offset];
    if (char === "{") return this.readObject(depth);
    if (char === "[") return this.readArray(depth);
    if (char === '"') return this.readString();
    if (char === "t") return this.readWord("true", true);
    if (char === "f") return this.readWord("false", false);
    if (char === "n") return this.readWord("null", null);
    return this.readNumber();
  }

  skipSpace(): void {
    this.match(SPACE);
  }

  expectEnd(): void {
    if (this.offset !== this.text.length) throw this.error("unexpected text after the value");
  }

  private readObject(depth: number): JsonValue {
    // Without a prototype, a key such as `__proto__` is a key like any other.
    const members = Object.create(null) as Record<string, JsonValue>;
    this.offset += 1;
    this.skipSpace();
    if (this.take("}")) return { ...members };
    for (;;) {
      this.skipSpace();
      const at = this.offset;
      const key = this.readString();
      if (Object.hasOwn(members, key)) throw new JsonError(`the key ${JSON.stringify(key)} stands twice`, at);
      this.skipSpace();
      if (!this.take(":")) throw this.error("expected `:`");
      this.skipSpace();
      const value = this.readValue(depth + 1);
      Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
      this.skipSpace();
      if (this.take(",")) continue;
      if (this.take("}")) return { ...members };
      throw this.error("expected `,` or `}`");
    }
  }

  private readArray(depth: number): JsonValue {
    const values: JsonValue[] = [];
    this.offset += 1;
    this.skipSpace();
    if (this.take("]")) return values;
    for (;;) {
      this.skipSpace();
      values.push(this.readValue(depth + 1));
      this.skipSpace();
      if (this.take(",")) continue;
      if (this.take("]")) return values;
      throw this.error("expected `,` or `]`");
    }
  }

  private readString(): string {
    const at = this.offset;
    const quoted = this.match(STRING);
    if (quoted === undefined) throw this.error("expected a string");
    const value = parseQuoted(quoted, at);
    if (!value.isWellFormed()) throw new JsonError("a string holds a lone surrogate", at);
    return value;
  }

  private readNumber(): number {
    const digits = this.match(NUMBER);
    if (digits === undefined || digits === "") throw this.error("expected a value");
    const value = Number(digits);
    if (!Number.isFinite(value)) throw this.error(`${digits} is beyond what a number can hold`);
    return value;
  }

  private readWord<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.offset)) throw this.error("expected a value");
    this.offset += word.length;
    return value;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.offset += found.length;
    return found;
  }

  private take(char: string): boolean {
    if (this.text[this.offset] !== char) return false;
    this.offset += 1;
    return true;
  }

  private error(message: string): JsonError {
    return new JsonError(message, this.offset);
  }
}

function parseQuoted(quoted: string, at: number): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new JsonError("a string holds an escape that JSON does not know", at);
  }
}
