// Whether a webhook comes from its sender: the scheme that Resend uses (Svix,
// "Verifying payloads": HMAC-SHA256 over id, time and body). Pure.

import { createHmac, timingSafeEqual } from "node:crypto";

/** How far the sender's clock may be off, and for how long a recorded call can be sent again. */
const TOLERANCE_MS = 5 * 60_000;

export type SignedCall = {
  readonly id: string | undefined;
  /** Seconds since 1970. */
  readonly timestamp: string | undefined;
  /** `v1,BASE64`, several with spaces between them while a secret is changed. */
  readonly signatures: string | undefined;
  readonly body: Buffer;
};

/** @param secret `whsec_` and base64, as the sender shows it */
export function isFromSender(secret: string, call: SignedCall, nowMs: number): boolean {
  const { id, timestamp, signatures, body } = call;
  if (id === undefined || timestamp === undefined || signatures === undefined) return false;
  if (!/^[A-Za-z0-9_-]{1,200}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(nowMs - Number(timestamp) * 1000) > TOLERANCE_MS) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  let found = false;
  // All of them, so that the time tells nothing of which one was right.
  for (const each of signatures.split(" ").slice(0, 8)) {
    const given = Buffer.from(each.replace(/^v1[,=]/, ""), "base64");
    if (each.startsWith("v1") && given.length === expected.length && timingSafeEqual(given, expected))
      found = true;
  }
  return found;
}
