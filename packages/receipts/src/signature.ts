// BIP-340 signatures over a receipt's hash. Zero auxiliary randomness makes
// them deterministic: the same receipt has one signature, whenever it is made.

import { schnorr } from "@noble/curves/secp256k1.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { Receipt } from "./receipt.ts";

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

/** The x-only public key of a 32-byte secret key, both in hex. */
export function publicKeyOf(secretKey: string): string {
  return bytesToHex(schnorr.getPublicKey(hexToBytes(secretKey)));
}

/** Sign a receipt's `canonical_json_sha256`. */
export function signReceipt(
  receipt: Pick<Receipt, "canonical_json_sha256">,
  secretKey: string,
): ReceiptSignature {
  const digest = hexToBytes(receipt.canonical_json_sha256);
  return {
    schema: SIGNATURE_SCHEMA,
    scheme: SIGNATURE_SCHEME,
    signer_pubkey: publicKeyOf(secretKey),
    signed_sha256: receipt.canonical_json_sha256,
    signature_hex: bytesToHex(schnorr.sign(digest, hexToBytes(secretKey), NO_AUX_RAND)),
  };
}

/** Whether a signature is by the key over the digest (all lower-case hex). Never throws. */
export function verifySignature(signatureHex: string, digestHex: string, publicKey: string): boolean {
  try {
    return schnorr.verify(hexToBytes(signatureHex), hexToBytes(digestHex), hexToBytes(publicKey));
  } catch {
    return false;
  }
}
