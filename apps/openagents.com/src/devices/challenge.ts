// What a device signs to show that it holds its key.
//
// A challenge is a sealed note of this service to itself: nobody who asks for one
// makes it store anything. That it was answered is stored, so it is good once.
//
// CHAL-1  A challenge is good for one purpose, one key, one asker, five minutes, once.
// Held by tests/devices.pg.test.ts.

import { createHmac, createPublicKey, hkdfSync, randomBytes, timingSafeEqual, verify } from "node:crypto";

/** Signed before the challenge, so that a signature for it is never one for anything else. */
const DOMAIN = "openagents.device.v1:";

const LIFE_MS = 5 * 60_000;

export type Purpose =
  /** Into an organisation, by a person. */
  { readonly kind: "enroll"; readonly org: string; readonly userId: string } | { readonly kind: "token" };

type Note = {
  readonly purpose: string;
  readonly publicKey: string;
  readonly nonce: string;
  readonly expiresAtMs: number;
  readonly issuer: string;
};

export type ChallengeRefusal = "challenge_invalid" | "challenge_expired" | "signature_invalid";

export type ChallengeAnswer =
  | { readonly kind: "answered"; readonly nonce: string; readonly expiresAtMs: number }
  | { readonly kind: "refused"; readonly reason: ChallengeRefusal };

export type Challenges = {
  issue(
    purpose: Purpose,
    publicKey: string,
    nowMs: number,
  ): { readonly challenge: string; readonly expiresAtMs: number };
  /** Whether it was answered by the key, for the purpose. Whether it was answered before is in the database. */
  check(
    purpose: Purpose,
    answer: { readonly challenge: string; readonly publicKey: string; readonly signature: string },
    nowMs: number,
  ): ChallengeAnswer;
};

/** `secret`: 32 bytes in hex, of which the sealing key is derived. */
export function createChallenges(secret: string, issuer: string): Challenges {
  const key = Buffer.from(
    hkdfSync("sha256", Buffer.from(secret, "hex"), Buffer.alloc(0), "device challenges", 32),
  );
  const seal = (text: string) => createHmac("sha256", key).update(text).digest();

  return {
    issue(purpose, publicKey, nowMs) {
      const expiresAtMs = nowMs + LIFE_MS;
      const nonce = randomBytes(16).toString("hex");
      const note: Note = { purpose: purposeText(purpose), publicKey, nonce, expiresAtMs, issuer };
      const text = Buffer.from(JSON.stringify(note)).toString("base64url");
      return { challenge: `${text}.${seal(text).toString("base64url")}`, expiresAtMs };
    },

    check(purpose, { challenge, publicKey, signature }, nowMs) {
      const note = open(challenge, seal);
      const isOurs =
        note !== undefined &&
        note.purpose === purposeText(purpose) &&
        note.publicKey === publicKey &&
        note.issuer === issuer;
      if (!isOurs) return { kind: "refused", reason: "challenge_invalid" };
      if (nowMs >= note.expiresAtMs) return { kind: "refused", reason: "challenge_expired" };
      if (!isSigned(DOMAIN + challenge, publicKey, signature))
        return { kind: "refused", reason: "signature_invalid" };
      return { kind: "answered", nonce: note.nonce, expiresAtMs: note.expiresAtMs };
    },
  };
}

function purposeText(purpose: Purpose): string {
  return purpose.kind === "token" ? "token" : `enroll ${purpose.org} ${purpose.userId}`;
}

function open(challenge: string, seal: (text: string) => Buffer): Note | undefined {
  const [text = "", mac = ""] = challenge.split(".");
  const given = Buffer.from(mac, "base64url");
  const expected = seal(text);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  // Sealed by us, hence of our own form.
  const note: Note = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  return note;
}

/** The bytes before a raw Ed25519 key that make it a SubjectPublicKeyInfo (RFC 8410). */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

function isSigned(text: string, publicKey: string, signature: string): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.concat([SPKI, Buffer.from(publicKey, "hex")]),
      format: "der",
      type: "spki",
    });
    return verify(null, Buffer.from(text), key, Buffer.from(signature, "hex"));
  } catch {
    // Not every 32 bytes are a point of the curve.
    return false;
  }
}
