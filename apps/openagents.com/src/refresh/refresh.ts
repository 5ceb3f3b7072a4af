// Refresh tokens: one family for each session, of which the newest token alone is good.
//
// A used token that comes again is either a thief's or that of a client which
// lost the answer. They are told apart by the `Idempotency-Key` of the request:
// the client that sent it first knows it, and whoever copied the token from a
// disk does not. So the same token with the same key gives the same successor
// again, as long as nobody has used that; in any other case the family ends.
//
// REF-1  A token is used once; its repeat without the key of its use ends the family.
// REF-2  Of two uses at once exactly one gets a successor, and the family ends.
// REF-3  A successor that was used is never given again.
// REF-4  Only hashes are kept: a successor is made of the token before it and a secret.
// Held by tests/tokens.pg.test.ts.

import { createHmac, hash, hkdfSync, randomBytes } from "node:crypto";
import type { Queryable, Tx, Write } from "@openagents/postgres";
import * as store from "./store.ts";

export type Family = store.Family;

/** Of a family, from sign-in on: then the person signs in again. */
const FAMILY_LIFE_MS = 30 * 24 * 3_600_000;

const FORM = /^ort_[A-Za-z0-9_-]{43}$/;

export type Rotation =
  | { readonly kind: "rotated"; readonly token: string; readonly family: Family }
  | { readonly kind: "unknown" }
  | { readonly kind: "ended"; readonly family: Family }
  /** Somebody else has the token as well: the family must end. */
  | { readonly kind: "replayed"; readonly family: Family };

/** Start the family of a session, or start it anew: tokens of before are nobody's any more. */
export async function openFamily(
  tx: Tx,
  session: Pick<Family, "sid" | "userId" | "org" | "authenticatedAtMs" | "methods">,
  nowMs: number,
): Promise<string> {
  const token = tokenOf(randomBytes(32));
  await store.openFamily(tx, { ...session, createdAtMs: nowMs, expiresAtMs: nowMs + FAMILY_LIFE_MS });
  await store.insertToken(tx, hashToken(token), session.sid, nowMs);
  return token;
}

/** Use a token. `key`: the caller's idempotency key, undefined where it sent none. */
export async function rotate(
  tx: Tx,
  secret: string,
  {
    token,
    key,
    nowMs,
  }: { readonly token: string; readonly key: string | undefined; readonly nowMs: () => number },
): Promise<Rotation> {
  const presented = FORM.test(token) ? await store.lockToken(tx, hashToken(token)) : undefined;
  if (presented === undefined) return { kind: "unknown" };
  const { family } = presented;
  const atMs = nowMs();
  if (family.revokedAtMs !== undefined || atMs >= family.expiresAtMs) return { kind: "ended", family };

  const keySha256 = hash("sha256", key ?? randomBytes(32).toString("hex"), "buffer");
  const successor = successorOf(secret, token, keySha256);
  if (presented.usedAtMs === undefined) {
    await store.useToken(tx, presented.tokenSha256, keySha256, hashToken(successor), atMs);
    await store.insertToken(tx, hashToken(successor), family.sid, atMs);
    return { kind: "rotated", token: successor, family };
  }
  const isRepeat = presented.usedKeySha256?.equals(keySha256) === true;
  if (isRepeat && !presented.successorUsed) return { kind: "rotated", token: successor, family };
  return { kind: "replayed", family };
}

/** With the command that ends the session. */
export function endFamily(sid: string, reason: string, nowMs: number): Write {
  return store.markFamilyRevoked(sid, reason, nowMs);
}

/** Drop families whose time is over. */
export function forgetFamilies(q: Queryable, nowMs: number): Promise<void> {
  return store.deleteExpired(q, nowMs);
}

function tokenOf(bytes: Uint8Array): string {
  return `ort_${Buffer.from(bytes).toString("base64url")}`;
}

function hashToken(token: string): Buffer {
  return hash("sha256", token, "buffer");
}

function successorOf(secret: string, token: string, keySha256: Buffer): string {
  const key = Buffer.from(
    hkdfSync("sha256", Buffer.from(secret, "hex"), Buffer.alloc(0), "refresh successors", 32),
  );
  return tokenOf(createHmac("sha256", key).update(token).update(keySha256).digest());
}
