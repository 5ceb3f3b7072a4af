// BIP-340 signatures over a receipt's hash. Zero auxiliary randomness makes
// them deterministic: the same receipt has one signature, whenever it is made.

import { schnorr } from "@noble/curves/secp256k1.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { isHex } from "./hash.ts";
import { receiptHash, type Receipt } from "./receipt.ts";

export const SIGNATURE_SCHEMA = "openagents.receipt_signature.v1";
export const SIGNATURE_SCHEME = "secp256k1_schnorr_no_aux_rand";

export type ReceiptSignature = {
  readonly schema: typeof SIGNATURE_SCHEMA;
  readonly scheme: typeof SIGNATURE_SCHEME;
  /** x-only, 64 hex digits. */
  readonly signer_pubkey: string;
  readonly signed_sha256: string;
  readonly signature_hex: string;
};

const NO_AUX_RAND = new Uint8Array(32);

/**
 * The x-only public key of a 32-byte secret key, both in lower-case hex. Throws
 * RangeError, without saying the key, when it is none.
 */
export function publicKeyOf(secretKey: string): string {
  return bytesToHex(schnorr.getPublicKey(secretBytes(secretKey)));
}

/**
 * Sign a receipt. Throws RangeError when its members do not have the hash that
 * it states: a signature must never vouch for facts that it does not cover.
 */
export function signReceipt(receipt: Receipt, secretKey: string): ReceiptSignature {
  const hash = receiptHash(receipt);
  if (receipt.canonical_json_sha256 !== hash) {
    throw new RangeError(`receipt ${receipt.receipt_id} was changed after it was sealed`);
  }
  return signHash(hash, secretKey);
}

/** Sign 32 bytes, given as 64 lower-case hex digits. */
export function signHash(hash: string, secretKey: string): ReceiptSignature {
  if (!isHex(hash, 64)) throw new RangeError("a signature is over 64 lower-case hex digits");
  const key = secretBytes(secretKey);
  return {
    schema: SIGNATURE_SCHEMA,
    scheme: SIGNATURE_SCHEME,
    signer_pubkey: bytesToHex(schnorr.getPublicKey(key)),
    signed_sha256: hash,
    signature_hex: bytesToHex(schnorr.sign(hexToBytes(hash), key, NO_AUX_RAND)),
  };
}

/** Whether a signature is by the key over the hash. Never throws; upper-case hex is no signature. */
export function verifySignature(signatureHex: unknown, hash: unknown, publicKey: unknown): boolean {
  if (!isHex(signatureHex, 128) || !isHex(hash, 64) || !isHex(publicKey, 64)) return false;
  try {
    return schnorr.verify(hexToBytes(signatureHex), hexToBytes(hash), hexToBytes(publicKey));
  } catch {
    return false;
  }
}

function secretBytes(secretKey: string): Uint8Array {
  // The message must not repeat it: it may be a secret with a typing error.
  if (!isHex(secretKey, 64)) throw new RangeError("a secret key is 64 lower-case hex digits");
  return hexToBytes(secretKey);
}
