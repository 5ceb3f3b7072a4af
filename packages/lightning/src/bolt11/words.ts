// Five-bit words, the unit in which the data part counts.

import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { bech32 } from "@scure/base";
import { Bolt11Error } from "./bolt11-error.ts";

/** Whole bytes of words; the bits that are left over must be zero and fewer than five. */
export function bytesOf(words: readonly number[], field: string): Uint8Array {
  const bytes = bech32.fromWordsUnsafe([...words]);
  if (bytes instanceof Uint8Array) return bytes;
  throw new Bolt11Error("field_padding", `field ${field} does not end in zero bits`);
}

export function hexOf(words: readonly number[], field: string): string {
  return bytesToHex(bytesOf(words, field));
}

export function wordsOf(bytes: Uint8Array): number[] {
  return bech32.toWords(bytes);
}

export function wordsOfHex(hex: string): number[] {
  return wordsOf(hexToBytes(hex));
}

/** All bits of the words, zero bits added up to a whole byte: what a signature covers. */
export function paddedBytesOf(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((words.length * 5) / 8));
  words.forEach((word, index) => {
    const bit = index * 5;
    const shifted = word << (11 - (bit % 8));
    const at = bit >> 3;
    bytes[at] = (bytes[at] ?? 0) | (shifted >> 8);
    if (at + 1 < bytes.length) bytes[at + 1] = (bytes[at + 1] ?? 0) | (shifted & 0xff);
  });
  return bytes;
}

/** A big-endian number; refused above 2^53 − 1, which no field of an invoice can mean. */
export function numberOf(words: readonly number[], field: string): number {
  let value = 0;
  for (const word of words) {
    value = value * 32 + word;
    if (!Number.isSafeInteger(value))
      throw new Bolt11Error("field_range", `field ${field} holds a number above 2^53 - 1`);
  }
  return value;
}

/** The shortest words of a number: none for zero. `length` pads with leading zeros. */
export function wordsOfNumber(value: number, length = 0): number[] {
  const words: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 32)) words.unshift(rest % 32);
  while (words.length < length) words.unshift(0);
  return words;
}
