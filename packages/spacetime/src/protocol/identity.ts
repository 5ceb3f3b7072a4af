// Who a token's holder is to SpacetimeDB: a hash of issuer and subject, so that
// every server gives the same person the same identity.

import { blake3 } from "@noble/hashes/blake3.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { concatBytes } from "./row-list.ts";

/** Marks an identity that was made of claims. */
const PREFIX = Uint8Array.of(0xc2, 0x00);

/** 64 hex digits. */
export function identityHexOf(issuer: string, subject: string): string {
  const hash = blake3(utf8ToBytes(`${issuer}|${subject}`)).subarray(0, 26);
  const checksum = blake3(concatBytes([PREFIX, hash])).subarray(0, 4);
  return bytesToHex(concatBytes([PREFIX, checksum, hash]));
}

/** As a row or a message holds it. */
export function identityOfHex(hex: string): { readonly __identity__: bigint } {
  return { __identity__: BigInt(`0x${hex}`) };
}
