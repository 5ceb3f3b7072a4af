// What is stored of a secret, and how cookies and CSRF tokens are bound to it.
// One key of the configuration, one derived key per purpose, so that a value
// made for one is worth nothing for another.

import { createHmac, hash, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

export type Secrets = {
  /** What is stored of a session token, a device code, or a link. */
  readonly stored: (secret: string) => string;
  /** What is stored of a code that is short enough to try all of: of no use without the key. */
  readonly storedCode: (code: string) => string;
  /** The CSRF token of a session. */
  csrfToken(sessionId: string): string;
  isCsrfToken(sessionId: string, token: string): boolean;
  /** The name under which a caller is counted; nobody is found by it. */
  bucket(rule: string, who: string): string;
  /** A session token as the value of a cookie, and back: the form that better-auth signs and reads. */
  sealCookie(token: string): string;
  openCookie(value: string): string | undefined;
};

export function createSecrets(authSecret: string): Secrets {
  const codeKey = derive(authSecret, "codes");
  const csrfKey = derive(authSecret, "csrf");
  const bucketKey = derive(authSecret, "throttle");
  // Base64 with padding over the plain secret: how better-auth signs its cookies.
  const signature = (token: string) => createHmac("sha256", authSecret).update(token).digest("base64");
  const csrfMac = (sessionId: string, salt: string) => mac(csrfKey, `${sessionId}.${salt}`);
  return {
    stored: (secret) => hash("sha256", secret, "base64url"),
    storedCode: (code) => mac(codeKey, code),
    csrfToken(sessionId) {
      const salt = randomBytes(16).toString("base64url");
      return `${salt}.${csrfMac(sessionId, salt)}`;
    },
    isCsrfToken(sessionId, token) {
      const [salt, given, ...rest] = token.split(".");
      if (salt === undefined || given === undefined || rest.length > 0) return false;
      return equal(given, csrfMac(sessionId, salt));
    },
    bucket: (rule, who) => mac(bucketKey, `${rule} ${who}`),
    sealCookie: (token) => encodeURIComponent(`${token}.${signature(token)}`),
    openCookie(value) {
      const dot = value.lastIndexOf(".");
      const token = value.slice(0, Math.max(0, dot));
      return token !== "" && equal(value.slice(dot + 1), signature(token)) ? token : undefined;
    },
  };
}

function derive(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `openagents.identity.${purpose}`, 32));
}

function mac(key: Buffer, text: string): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
