// Macaroons as bytes: version 2 of the binary format of libmacaroons, which is
// the one that Aperture and other L402 servers write.

import { L402Error } from "../l402-error.ts";
import type { Caveat, Macaroon } from "./macaroon.ts";

/** A header that is longer is cut by many servers, and a long chain costs its verifier. */
export const MACAROON_BYTES_MAX = 8_192;

const VERSION = 2;
const FIELD = { end: 0, location: 1, identifier: 2, verificationId: 4, signature: 6 } as const;
const SIGNATURE_BYTES = 32;
/** 2^28 and more than any length that fits. */
const VARINT_BYTES_MAX = 4;

export function serializeMacaroon(macaroon: Macaroon): Uint8Array {
  const { location, identifier, caveats, signature } = macaroon;
  const parts = [Uint8Array.of(VERSION), ...section(location, { identifier })];
  for (const caveat of caveats) parts.push(...section(undefined, caveat));
  parts.push(Uint8Array.of(FIELD.end), ...field(FIELD.signature, signature));
  const bytes = Buffer.concat(parts);
  if (bytes.length > MACAROON_BYTES_MAX) throw tooLarge();
  return bytes;
}

/** Strict: one form of each macaroon only. Throws L402Error `macaroon_malformed` or `macaroon_too_large`. */
export function parseMacaroon(bytes: Uint8Array): Macaroon {
  if (bytes.length > MACAROON_BYTES_MAX) throw tooLarge();
  const reader = new Reader(bytes);
  if (reader.byte() !== VERSION) throw malformed("is not of version 2");
  const { location, identifier } = readSection(reader);
  const caveats: Caveat[] = [];
  while (reader.peek() !== FIELD.end) {
    const { location: _hint, ...caveat } = readSection(reader);
    caveats.push(caveat);
  }
  reader.byte();
  const signature = reader.field(FIELD.signature);
  if (signature?.length !== SIGNATURE_BYTES) throw malformed("has no signature of 32 bytes");
  if (!reader.isAtEnd()) throw malformed("goes on after its signature");
  return { location, identifier, caveats, signature };
}

function section(location: string | undefined, caveat: Caveat): Uint8Array[] {
  const { identifier, verificationId } = caveat;
  return [
    ...(location === undefined ? [] : field(FIELD.location, Buffer.from(location, "utf8"))),
    ...field(FIELD.identifier, identifier),
    ...(verificationId === undefined ? [] : field(FIELD.verificationId, verificationId)),
    Uint8Array.of(FIELD.end),
  ];
}

function readSection(reader: Reader): Caveat & { readonly location: string | undefined } {
  const location = reader.field(FIELD.location);
  const identifier = reader.field(FIELD.identifier);
  if (identifier === undefined) throw malformed("has a part without an identifier");
  const verificationId = reader.field(FIELD.verificationId);
  if (reader.byte() !== FIELD.end) throw malformed("has a field where none may stand");
  return {
    location: location === undefined ? undefined : Buffer.from(location).toString("utf8"),
    identifier,
    ...(verificationId === undefined ? {} : { verificationId }),
  };
}

function field(type: number, data: Uint8Array): Uint8Array[] {
  return [Uint8Array.of(type, ...varint(data.length)), data];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw malformed("ends too early");
    return byte;
  }

  byte(): number {
    const byte = this.peek();
    this.#at += 1;
    return byte;
  }

  /** The field when it is the next one. */
  field(type: number): Uint8Array | undefined {
    if (this.peek() !== type) return undefined;
    this.#at += 1;
    const length = this.#varint();
    const data = this.#bytes.slice(this.#at, this.#at + length);
    if (data.length !== length) throw malformed("ends too early");
    this.#at += length;
    return data;
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  #varint(): number {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
      const byte = this.byte();
      if (byte === 0 && index > 0) throw malformed("writes a length with leading zeros");
      value += (byte % 128) * 128 ** index;
      if (byte < 128) return value;
    }
    throw malformed("has a length that is too large");
  }
}

function malformed(problem: string): L402Error {
  return new L402Error("macaroon_malformed", `the macaroon ${problem}`);
}

function tooLarge(): L402Error {
  return new L402Error("macaroon_too_large", `a macaroon has at most ${MACAROON_BYTES_MAX} bytes`);
}
