// Signatures are deterministic (BIP-340 with zero auxiliary randomness), so a
// receipt is signed when it is read, not on the path of the command.

import type { SignedReceipt } from "@openagents/contracts";
import {
  parseStrict,
  publicKeyOf,
  signHash,
  signReceipt,
  type JsonObject,
  type Receipt,
} from "@openagents/receipts";

/** Signs the receipts of one service. */
export type ReceiptSigner = {
  readonly publicKey: string;
  sign(receipt: Receipt): SignedReceipt["signature"];
  /** Sign a hash: 64 lower-case hex digits. */
  signHash(hash: string): Pick<SignedReceipt["signature"], "scheme" | "signerPubkey" | "signatureHex">;
};

/** Signed receipts kept, so that listing the same page again is cheap. */
const CACHE_ENTRIES_MAX = 10_000;

/** `secretKey` is 32 bytes in hex; it is never logged or answered. */
export function createReceiptSigner(secretKey: string): ReceiptSigner {
  const cache = new Map<string, SignedReceipt["signature"]>();
  return {
    publicKey: publicKeyOf(secretKey),
    sign(receipt) {
      const known = cache.get(receipt.canonical_json_sha256);
      if (known !== undefined) return known;
      const signed = signReceipt(receipt, secretKey);
      const signature = {
        schema: signed.schema,
        scheme: signed.scheme,
        signerPubkey: signed.signer_pubkey,
        signedSha256: signed.signed_sha256,
        signatureHex: signed.signature_hex,
      };
      if (cache.size >= CACHE_ENTRIES_MAX) cache.clear();
      cache.set(receipt.canonical_json_sha256, signature);
      return signature;
    },
    signHash(hash) {
      const signed = signHash(hash, secretKey);
      return {
        scheme: signed.scheme,
        signerPubkey: signed.signer_pubkey,
        signatureHex: signed.signature_hex,
      };
    },
  };
}

/** Sign a receipt that is stored as canonical JSON. */
export function signStored(signer: ReceiptSigner, canonical: string): SignedReceipt {
  const receipt = parseStrict(canonical) as JsonObject & Receipt;
  return { receipt, signature: signer.sign(receipt) };
}
