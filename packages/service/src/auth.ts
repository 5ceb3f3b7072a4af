// Who calls. Verifies the access JWTs that control signs (EdDSA, at most ten
// minutes) against its JWKS. May not consult a database: the edge answers for
// thousands of requests a second.

import { hash } from "node:crypto";
import { ProblemError, type CommandCall, type Principal } from "@openagents/contracts";
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from "jose";
import type { RevocationCheck } from "./revocations.ts";

/** Keys given inline, or the address that publishes them. */
export type KeySource = { readonly keys: JSONWebKeySet["keys"] } | { readonly url: string };

export type AuthenticatorOptions = {
  readonly jwks: KeySource;
  readonly issuer: string;
  readonly audience: string;
  /** What was taken back; a token is good until it ends when absent. */
  readonly revocations?: RevocationCheck | undefined;
  readonly nowMs: () => number;
};

/** Whether a call commands; one that does not say is taken for a command. */
export type CallEffect = "read" | "command";

export type Authenticator = (authorization: string | undefined, effect?: CallEffect) => Promise<Principal>;

/** Longest life of an access token; a longer one was not made by control. */
const TOKEN_LIFE_S_MAX = 600;

/** Verified tokens kept; the oldest go first. */
const CACHE_ENTRIES_MAX = 10_000;

type CacheEntry = {
  readonly principal: Principal;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
};

/**
 * Build the check of `Authorization: Bearer …`. Throws `ProblemError` 401
 * `token_missing`, `token_expired`, `token_invalid` or `token_revoked`; 503 when
 * the keys cannot be fetched, and `revocations_unavailable` for commands while
 * nothing is heard of revocations. Verified tokens are remembered by hash until
 * they expire; what was taken back is looked at each time.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const keys =
    "keys" in options.jwks
      ? createLocalJWKSet({ keys: options.jwks.keys })
      : createRemoteJWKSet(new URL(options.jwks.url), { cooldownDuration: 5_000, timeoutDuration: 3_000 });
  const verified = new Map<string, CacheEntry>();

  async function entryOf(token: string): Promise<CacheEntry> {
    const cacheKey = hash("sha256", token, "base64");
    const nowMs = options.nowMs();
    const known = verified.get(cacheKey);
    if (known !== undefined && known.expiresAtMs > nowMs) return known;
    if (known !== undefined) verified.delete(cacheKey);

    const payload = await verify(token, keys, options, nowMs);
    const entry = {
      principal: parsePrincipal(payload),
      issuedAtMs: issuedAt(payload),
      expiresAtMs: (payload.exp ?? 0) * 1000,
    };
    if (verified.size >= CACHE_ENTRIES_MAX) evictOldest(verified);
    verified.set(cacheKey, entry);
    return entry;
  }

  return async (authorization, effect = "command") => {
    const { principal, issuedAtMs } = await entryOf(bearer(authorization));
    assertNotRevoked(options.revocations, { ...principal, issuedAtMs }, effect);
    return principal;
  };
}

function assertNotRevoked(
  revocations: RevocationCheck | undefined,
  token: Principal & { readonly issuedAtMs: number },
  effect: CallEffect,
): void {
  if (revocations === undefined) return;
  if (revocations.isRevoked(token))
    throw unauthenticated("token_revoked", "The token was taken back. Get a fresh one, or sign in again.");
  if (effect === "read" || revocations.isCurrent()) return;
  throw new ProblemError({
    status: 503,
    code: "revocations_unavailable",
    detail:
      "It is not known now which tokens were taken back, so no command is taken. Reads are answered. Try again shortly.",
    retryAfterMs: 1_000,
  });
}

/** How long a sign-in counts as one that just happened. */
const FRESH_MS = 15 * 60_000;

/** How a device that a person let in is told from the person. */
const BY_DEVICE = "device";

/**
 * Let only a person decide who has proven just now who they are: what approvals
 * ask for. Throws 403 `person_required` for keys, devices, services and whoever
 * acts for another, 403 `fresh_sign_in_required` for a person who signed in longer ago.
 */
export function assertFreshPerson(call: Pick<CommandCall, "principal">, nowMs: number): void {
  assertPerson(call);
  const { authenticatedAtMs, authenticatedBy = [] } = call.principal;
  const byPerson = authenticatedBy.some((method) => method !== BY_DEVICE);
  if (byPerson && authenticatedAtMs !== undefined && nowMs - authenticatedAtMs <= FRESH_MS) return;
  throw new ProblemError({
    status: 403,
    code: "fresh_sign_in_required",
    detail:
      "This needs a sign-in of the last 15 minutes. Sign in again, get a fresh token by POST /api/auth/token, and repeat the command.",
  });
}

/** Let only a person do it. Throws 403 `person_required` for keys, devices, services and whoever acts for another. */
export function assertPerson(call: Pick<CommandCall, "principal">): void {
  const { kind, actingFor } = call.principal;
  if (kind === "user" && actingFor === undefined) return;
  throw new ProblemError({
    status: 403,
    code: "person_required",
    detail: `Only a person decides this, in a session of their own; this token is a ${kind}'s.`,
  });
}

function bearer(authorization: string | undefined): string {
  if (authorization === undefined || authorization === "") {
    throw unauthenticated(
      "token_missing",
      "This route needs a token. Send `Authorization: Bearer …`; `openagents token` prints one.",
    );
  }
  const match = /^Bearer ([A-Za-z0-9_\-.]{20,8192})$/.exec(authorization);
  if (match?.[1] === undefined)
    throw unauthenticated("token_invalid", "The Authorization header is not a bearer token.");
  return match[1];
}

async function verify(
  token: string,
  keys: Parameters<typeof jwtVerify>[1],
  options: AuthenticatorOptions,
  nowMs: number,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: options.issuer,
      audience: options.audience,
      algorithms: ["EdDSA", "Ed25519"],
      currentDate: new Date(nowMs),
      maxTokenAge: TOKEN_LIFE_S_MAX,
      requiredClaims: ["sub", "exp", "iat", "jti"],
    });
    if ((payload.exp ?? 0) - (payload.iat ?? 0) > TOKEN_LIFE_S_MAX) {
      throw unauthenticated("token_invalid", `The token lives longer than ${TOKEN_LIFE_S_MAX} seconds.`);
    }
    return payload;
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ERR_JWT_EXPIRED")
      throw unauthenticated("token_expired", "The token has expired. Get a fresh one.");
    if (code === "ERR_JWKS_TIMEOUT" || (error instanceof TypeError && "url" in options.jwks)) {
      throw new ProblemError({
        status: 503,
        code: "keys_unavailable",
        detail: "The keys that verify tokens cannot be fetched now. Try again shortly.",
        retryAfterMs: 1_000,
        cause: error,
      });
    }
    throw unauthenticated(
      "token_invalid",
      "The token was not signed for this service, or is malformed.",
      error,
    );
  }
}

/** The claims that control writes (spec 2.2); anything else is refused, never guessed. */
function parsePrincipal(payload: JWTPayload): Principal {
  const { sub, org, scopes, zone, account, device, sid, jti, act, method, auth_time, amr } = payload;
  const kind = kindOf(sub);
  if (sub === undefined || kind === undefined || jti === undefined) throw malformed("sub");
  if (!isOrg(org)) throw malformed("org");
  if (account !== undefined && !isOrg(account)) throw malformed("account");
  if (!isTexts(scopes)) throw malformed("scopes");
  if (auth_time !== undefined && !isTime(auth_time)) throw malformed("auth_time");
  if (amr !== undefined && !isTexts(amr)) throw malformed("amr");
  if (zone !== "0" && zone !== "0.5" && zone !== "1") throw malformed("zone");
  return {
    id: sub,
    kind,
    org,
    scopes: new Set(scopes),
    zoneTenths: Math.round(Number(zone) * 10),
    tokenId: jti,
    ...(account === undefined ? {} : { account }),
    ...(typeof device === "string" ? { device } : {}),
    ...(typeof sid === "string" ? { session: sid } : {}),
    ...(typeof act === "string" ? { actingFor: act } : {}),
    ...(typeof method === "string" ? { onlyMethod: method } : {}),
    ...(auth_time === undefined ? {} : { authenticatedAtMs: auth_time * 1000 }),
    ...(amr === undefined ? {} : { authenticatedBy: amr }),
  };
}

/** To the millisecond where control says it: `iat` counts seconds, and a revocation may be of the same one. */
function issuedAt({ iat = 0, iat_ms }: JWTPayload): number {
  if (iat_ms === undefined) return iat * 1000;
  if (!isTime(iat_ms) || Math.floor(iat_ms / 1000) !== Math.floor(iat)) throw malformed("iat_ms");
  return iat_ms;
}

function isTexts(claim: unknown): claim is string[] {
  return Array.isArray(claim) && claim.every((each) => typeof each === "string");
}

function isTime(claim: unknown): claim is number {
  return typeof claim === "number" && Number.isSafeInteger(claim) && claim >= 0;
}

function isOrg(claim: unknown): claim is string {
  return typeof claim === "string" && /^org_[0-9a-z_]{1,60}$/.test(claim);
}

const KINDS: Readonly<Record<string, Principal["kind"]>> = {
  usr: "user",
  dev: "device",
  sa: "service_account",
  svc: "service",
};

function kindOf(sub: string | undefined): Principal["kind"] | undefined {
  const match = /^([a-z]+)_[0-9a-z_]{1,60}$/.exec(sub ?? "");
  return match?.[1] === undefined ? undefined : KINDS[match[1]];
}

function malformed(claim: string): ProblemError {
  return unauthenticated("token_invalid", `The token's claim \`${claim}\` is missing or malformed.`);
}

function unauthenticated(code: string, detail: string, cause?: unknown): ProblemError {
  return new ProblemError({ status: 401, code, detail, ...(cause === undefined ? {} : { cause }) });
}

function evictOldest(cache: Map<string, CacheEntry>): void {
  const oldest = cache.keys().next();
  if (!oldest.done) cache.delete(oldest.value);
}
