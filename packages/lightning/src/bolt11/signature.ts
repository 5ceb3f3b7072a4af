// The payee's signature over an invoice: ECDSA on secp256k1 with a recovery id,
// over sha256 of the human-readable part and the data before the signature.

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { Bolt11Error } from "./bolt11-error.ts";
import { bytesOf, paddedBytesOf, wordsOf } from "./words.ts";

/** 64 bytes of signature and one of recovery id, in words. */
export const SIGNATURE_WORDS = 104;

/** Deterministic (RFC 6979) and low-S: the same invoice has one signature, whenever it is made. */
export function signWords(hrp: string, words: readonly number[], secretKey: Uint8Array): number[] {
  const signed = secp256k1.sign(digestOf(hrp, words), secretKey, { prehash: false, format: "recovered" });
  const [recovery = 0] = signed;
  return wordsOf(concatBytes(signed.subarray(1), Uint8Array.of(recovery)));
}

/**
 * The public key that signed. Where the invoice names its node, the signature
 * is checked against that key and must be low-S. Recovery also takes a high-S
 * signature, as BOLT 11's examples ask: the key that comes out is the payee,
 * whichever form its signature has.
 */
export function payeeOf(
  hrp: string,
  words: readonly number[],
  signatureWords: readonly number[],
  named: string | undefined,
): string {
  const bytes = bytesOf(signatureWords, "signature");
  const compact = bytes.subarray(0, 64);
  const digest = digestOf(hrp, words);
  if (named !== undefined) {
    checkNamed(compact, digest, named);
    return named;
  }
  try {
    return secp256k1.Signature.fromBytes(compact, "compact")
      .addRecoveryBit(bytes[64] ?? -1)
      .recoverPublicKey(digest)
      .toHex();
  } catch (cause) {
    throw Object.assign(
      new Bolt11Error("signature_not_recoverable", "no public key can be recovered from the signature"),
      { cause },
    );
  }
}

function checkNamed(compact: Uint8Array, digest: Uint8Array, named: string): void {
  let holds = false;
  let highS = false;
  try {
    highS = secp256k1.Signature.fromBytes(compact, "compact").hasHighS();
    holds = secp256k1.verify(compact, digest, hexToBytes(named), { prehash: false, lowS: false });
  } catch {
    // Numbers outside the group: no signature of anybody.
  }
  if (!holds) throw new Bolt11Error("signature_mismatch", `the signature is not by the named node ${named}`);
  if (highS) throw new Bolt11Error("signature_high_s", "the signature is not in its low-S form");
}

export function isPublicKey(hex: string): boolean {
  return /^0[23][0-9a-f]{64}$/.test(hex) && secp256k1.utils.isValidPublicKey(hexToBytes(hex), true);
}

export function publicKeyOf(secretKey: Uint8Array): string {
  return bytesToHex(secp256k1.getPublicKey(secretKey, true));
}

function digestOf(hrp: string, words: readonly number[]): Uint8Array {
  return sha256(concatBytes(utf8ToBytes(hrp), paddedBytesOf(words)));
}
