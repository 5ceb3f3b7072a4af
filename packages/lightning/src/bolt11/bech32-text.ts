// Bech32 without its limit on length (BIP 173 as BOLT 11 reads it), with a
// reason for each refusal; the library says only that a text is wrong.

import { bech32 } from "@scure/base";
import { Bolt11Error } from "./bolt11-error.ts";

/** Longest invoice that we read: what a QR code can hold. Hashing stays bounded. */
export const INVOICE_LENGTH_MAX = 7_089;

const CHECKSUM_WORDS = 6;
const DATA = /^[qpzry9x8gf2tvdw0s3jn54khce6mua7l]*$/;

export type Bech32Text = { readonly hrp: string; readonly words: readonly number[]; readonly text: string };

export function parseBech32(given: string): Bech32Text {
  if (given.length > INVOICE_LENGTH_MAX)
    throw new Bolt11Error("length_limit", `an invoice has at most ${INVOICE_LENGTH_MAX} characters`);
  const text = given.toLowerCase();
  if (given !== text && given !== given.toUpperCase())
    throw new Bolt11Error("bech32_case", "upper and lower case are mixed");
  const separator = text.lastIndexOf("1");
  if (separator < 1) throw new Bolt11Error("bech32_separator", 'there is no "1" between prefix and data');
  if (!/^[\x21-\x7e]+$/.test(text) || !DATA.test(text.slice(separator + 1)))
    throw new Bolt11Error("bech32_character", "a character stands there that bech32 does not have");
  if (text.length - separator - 1 < CHECKSUM_WORDS)
    throw new Bolt11Error("too_short", "the checksum is not whole");
  const decoded = bech32.decodeUnsafe(text, false);
  if (decoded === undefined) throw new Bolt11Error("bech32_checksum", "the checksum is wrong");
  return { hrp: decoded.prefix, words: decoded.words, text };
}

export function formatBech32(hrp: string, words: readonly number[]): string {
  const text = bech32.encode(hrp, [...words], false);
  if (text.length > INVOICE_LENGTH_MAX)
    throw new Bolt11Error("length_limit", `an invoice has at most ${INVOICE_LENGTH_MAX} characters`);
  return text;
}
