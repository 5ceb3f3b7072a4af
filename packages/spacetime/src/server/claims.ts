// Who opens a session, and what for. Verifies the sync tokens that control signs
// (EdDSA, at most five minutes) against its JWKS.

import { ProblemError } from "@openagents/contracts";
import type { KeySource } from "@openagents/service";
import { GRANTS_MAX } from "@openagents/streams";
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify, type JWTPayload } from "jose";
import { identityHexOf } from "../protocol/index.ts";

export const SYNC_AUDIENCE = "openagents-sync";

/** Longest life of a sync token; a longer one was not made by control. */
export const TOKEN_LIFE_S_MAX = 300;

export const SCOPES = {
  subscribe: "sync.subscribe",
  writeCheckpoints: "sync.checkpoint.write",
  observe: "sync.observe",
} as const;

export type Claims = {
  readonly token: string;
  readonly identityHex: string;
  readonly sub: string;
  readonly org: string;
  readonly scopes: ReadonlySet<string>;
  readonly streams: readonly string[];
  readonly sid: string;
  readonly jti: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
};

export type TokenVerifier = (token: string) => Promise<Claims>;

/** Throws `ProblemError` 401 `token_expired` or `token_invalid`, 503 `keys_unavailable`. */
export function createTokenVerifier(options: {
  readonly jwks: KeySource;
  readonly issuer: string;
  readonly nowMs: () => number;
}): TokenVerifier {
  const { jwks, issuer, nowMs } = options;
  const keys =
    "keys" in jwks
      ? createLocalJWKSet({ keys: jwks.keys })
      : createRemoteJWKSet(new URL(jwks.url), { cooldownDuration: 5_000, timeoutDuration: 3_000 });
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: SYNC_AUDIENCE,
        algorithms: ["EdDSA", "Ed25519"],
        currentDate: new Date(nowMs()),
        maxTokenAge: TOKEN_LIFE_S_MAX,
        requiredClaims: ["sub", "exp", "iat", "jti"],
      });
      return parseClaims(token, payload);
    } catch (error) {
      throw problemOf(error, "url" in jwks);
    }
  };
}

function parseClaims(token: string, payload: JWTPayload): Claims {
  const { iss, sub, org, scopes, streams, sid, jti, iat, exp } = payload;
  if (iss === undefined || sub === undefined || !/^[a-z]+_[0-9a-z_]{1,60}$/.test(sub)) throw malformed("sub");
  if (typeof org !== "string" || !/^org_[0-9a-z_]{1,60}$/.test(org)) throw malformed("org");
  if (!isTexts(scopes)) throw malformed("scopes");
  if (!isTexts(streams) || streams.length > GRANTS_MAX) throw malformed("streams");
  if (typeof sid !== "string") throw malformed("sid");
  if (jti === undefined) throw malformed("jti");
  if (iat === undefined || exp === undefined || exp - iat > TOKEN_LIFE_S_MAX) throw malformed("exp");
  return {
    token,
    identityHex: identityHexOf(iss, sub),
    sub,
    org,
    scopes: new Set(scopes),
    streams,
    sid,
    jti,
    issuedAtMs: iat * 1000,
    expiresAtMs: exp * 1000,
  };
}

function isTexts(claim: unknown): claim is string[] {
  return Array.isArray(claim) && claim.every((one) => typeof one === "string");
}

function problemOf(error: unknown, remoteKeys: boolean): ProblemError {
  if (error instanceof ProblemError) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ERR_JWT_EXPIRED") {
    return unauthenticated(
      "token_expired",
      "The sync token has expired. Get a fresh one: POST /api/sync/token.",
    );
  }
  if (code === "ERR_JWKS_TIMEOUT" || (error instanceof TypeError && remoteKeys)) {
    return new ProblemError({
      status: 503,
      code: "keys_unavailable",
      detail: "The keys that verify tokens cannot be fetched now. Try again shortly.",
      retryAfterMs: 1_000,
      cause: error,
    });
  }
  return unauthenticated(
    "token_invalid",
    "The token was not signed for the sync lane, or is malformed. Get one: POST /api/sync/token.",
    error,
  );
}

function malformed(claim: string): ProblemError {
  return unauthenticated("token_invalid", `The token's claim \`${claim}\` is missing or malformed.`);
}

function unauthenticated(code: string, detail: string, cause?: unknown): ProblemError {
  return new ProblemError({ status: 401, code, detail, ...(cause === undefined ? {} : { cause }) });
}
