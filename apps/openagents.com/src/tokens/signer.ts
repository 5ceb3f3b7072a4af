// Signs tokens and publishes the keys that verify them. The first key of the
// configuration signs; all are published, so that a rotation overlaps.

import { randomUUID } from "node:crypto";
import { SignJWT, importJWK, type CryptoKey, type JWK, type JWTPayload } from "jose";

/** Longest life of an access token; services refuse longer ones. */
export const ACCESS_LIFE_S = 600;

/** Of a token that acts for another: one call's life. */
export const ACTING_LIFE_S_MAX = 60;

/** Longest life of a sync token. */
export const SYNC_LIFE_S_MAX = 300;

const SYNC_AUDIENCE = "openagents-sync";

/** How far the operator trusts someone: 0 itself, 0.5 an enrolled device, 1 everyone else. */
export type Zone = "0" | "0.5" | "1";

export type AccessClaims = {
  readonly sub: string;
  readonly org: string;
  readonly scopes: readonly string[];
  readonly zone: Zone;
  readonly sid: string;
  readonly account?: string;
  readonly device?: string;
  /** On whose behalf. */
  readonly act?: string;
  /** The one method that it is for. */
  readonly method?: string;
  readonly authenticatedAtMs?: number;
  readonly methods?: readonly string[];
};

export type SyncClaims = {
  readonly sub: string;
  readonly org: string;
  readonly scopes: readonly string[];
  readonly streams: readonly string[];
  readonly sid: string;
};

export type Signer = {
  /** For the services' own audience, or a narrower one. */
  access(claims: AccessClaims, lifeS: number, audience?: string): Promise<string>;
  sync(claims: SyncClaims, lifeS: number): Promise<string>;
  /** RFC 7517, public parts only. */
  readonly jwks: { readonly keys: readonly JWK[] };
};

export function createSigner(options: {
  readonly tokenKeys: readonly JWK[];
  readonly issuer: string;
  readonly audience: string;
  readonly nowMs: () => number;
}): Signer {
  const { tokenKeys, issuer, audience, nowMs } = options;
  const [signing] = tokenKeys;
  if (signing === undefined) throw new Error("there is no key to sign tokens with");
  const key = importJWK(signing, "EdDSA");

  async function sign(claims: JWTPayload, sub: string, lifeS: number, aud: string): Promise<string> {
    const atMs = nowMs();
    return (
      // To the millisecond beside `iat`, which counts seconds: a token of right behind a revocation is told from one before it.
      new SignJWT({ ...claims, iat_ms: atMs })
        .setProtectedHeader({ alg: "EdDSA", typ: "JWT", kid: signing?.kid ?? "" })
        .setIssuer(issuer)
        .setAudience(aud)
        .setSubject(sub)
        .setJti(randomUUID())
        .setIssuedAt(Math.floor(atMs / 1000))
        .setExpirationTime(Math.floor(atMs / 1000) + lifeS)
        .sign((await key) as CryptoKey)
    );
  }

  return {
    access({ sub, authenticatedAtMs, methods, ...claims }, lifeS, aud = audience) {
      const person = {
        ...(authenticatedAtMs === undefined ? {} : { auth_time: Math.floor(authenticatedAtMs / 1000) }),
        ...(methods === undefined ? {} : { amr: methods }),
      };
      return sign({ ...claims, scopes: [...claims.scopes], ...person }, sub, lifeS, aud);
    },
    sync: ({ sub, ...claims }, lifeS) =>
      sign({ ...claims, scopes: [...claims.scopes] }, sub, lifeS, SYNC_AUDIENCE),
    jwks: { keys: tokenKeys.map(({ d: _private, ...shared }) => shared) },
  };
}
