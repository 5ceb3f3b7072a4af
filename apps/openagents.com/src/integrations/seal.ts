// Seals secrets: AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits
// and a context that has to be named again to open it. May not log what it opens.

import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto";
import { ProblemError } from "@openagents/contracts";

/** A secret as it is stored. */
export type Sealed = {
  /** Which key it is sealed with: the beginning of the key's hash. */
  readonly keyId: string;
  readonly nonce: Buffer;
  /** The ciphertext, and its tag of 16 bytes at the end. */
  readonly bytes: Buffer;
};

export type Sealer = {
  /** Of the key that seals now. */
  readonly keyId: string;
  seal(secret: string, context: string): Sealed;
  /** Throws 503 `sealing_key_missing` where the key is not configured any more; an error for what was tampered with. */
  open(sealed: Sealed, context: string): string;
};

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param keys 32 bytes in hex each: the first seals, all open */
export function createSealer(keys: readonly string[]): Sealer {
  const known = new Map(keys.map((hex) => [keyIdOf(hex), Buffer.from(hex, "hex")]));
  const [current] = keys;
  if (current === undefined) throw new Error("a sealer needs a key");
  const keyId = keyIdOf(current);

  return {
    keyId,
    seal(secret, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, Buffer.from(current, "hex"), nonce);
      cipher.setAAD(Buffer.from(context));
      const bytes = Buffer.concat([cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return { keyId, nonce, bytes };
    },
    open({ keyId: of, nonce, bytes }, context) {
      const key = known.get(of);
      if (key === undefined) throw keyMissing(of);
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return decipher.update(bytes.subarray(0, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
    },
  };
}

function keyIdOf(hex: string): string {
  return hash("sha256", Buffer.from(hex, "hex")).slice(0, 16);
}

function keyMissing(keyId: string): ProblemError {
  return new ProblemError({
    status: 503,
    code: "sealing_key_missing",
    detail: `The secret is sealed with the key ${keyId}, which is not configured here any more. Configure it again, or connect the integration again.`,
  });
}
