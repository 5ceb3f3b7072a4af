// A Nostr public key in its readable form (NIP-19): bech32 (BIP-173) of the x-only key.

import { hexToBytes } from "@noble/hashes/utils.js";

const ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const PREFIX = "npub";

/** `npub1…` of 64 hex digits. */
export function npubOf(publicKeyHex: string): string {
  const words = wordsOf(hexToBytes(publicKeyHex));
  const checksum = polymod([...expandedPrefix(), ...words, 0, 0, 0, 0, 0, 0]) ^ 1;
  const check = Array.from({ length: 6 }, (_, index) => (checksum >> (5 * (5 - index))) & 31);
  return `${PREFIX}1${[...words, ...check].map((word) => ALPHABET[word]).join("")}`;
}

function expandedPrefix(): number[] {
  const codes = Array.from(PREFIX, (letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

/** Eight bits at a time to five at a time, the last filled up with zeros. */
function wordsOf(bytes: Uint8Array): number[] {
  const words: number[] = [];
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      words.push((value >> bits) & 31);
    }
  }
  if (bits > 0) words.push((value << (5 - bits)) & 31);
  return words;
}

function polymod(values: readonly number[]): number {
  let checksum = 1;
  for (const value of values) {
    const top = checksum >>> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    for (const [index, generator] of GENERATOR.entries()) {
      if (((top >> index) & 1) === 1) checksum ^= generator;
    }
  }
  return checksum;
}
