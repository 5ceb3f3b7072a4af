// Access tokens of the local stack, in their final form (spec 2.2). On a laptop
// the stack stands in for the control service as their issuer.

import { randomBytes } from "node:crypto";
import { GRANTS_MAX, isGrant } from "@openagents/streams";
import { SignJWT, importJWK, type JWTPayload } from "jose";
import type { StackKeys } from "./keys.ts";
import { allScopes } from "./scopes.ts";
import { StackError } from "./stack-error.ts";

export const LOCAL_ISSUER = "openagents-local";
export const LOCAL_AUDIENCE = "openagents";

const SYNC_AUDIENCE = "openagents-sync";

/** Longest life of an access token; services refuse longer ones. */
export const TOKEN_TTL_S_MAX = 600;

/** Longest life of a sync token. */
export const SYNC_TOKEN_TTL_S_MAX = 300;

/** How far the operator trusts someone: 0 itself, 0.5 an enrolled device, 1 everyone else. */
export type Zone = "0" | "0.5" | "1";

/** Someone whom the local stack vouches for. */
export type LocalPrincipal = {
  readonly sub: string;
  readonly org: string;
  readonly zone: Zone;
  readonly device?: string;
  /** What it is for; absent: everything. */
  readonly scopes?: readonly string[];
};

export type TokenRequest = {
  /** Every scope when absent. */
  readonly scopes?: readonly string[];
  readonly sub?: string;
  readonly org?: string;
  /** 1 to 600; 600 when absent. */
  readonly ttlSeconds?: number;
  readonly device?: string;
  /** 0.5 when absent. */
  readonly zone?: Zone;
};

/** What a provider calls, and nothing that buys. */
const PROVIDER_SCOPES = [
  "artifacts:read",
  "artifacts:write",
  "earnings:read",
  "fraud:read",
  "fraud:report",
  "jobs:read",
  "jobs:work",
  "workers:read",
  "workers:write",
];

/** The person whose laptop it is, in an organisation of their own. */
export function localOwner(keys: StackKeys): LocalPrincipal {
  return { sub: `usr_local_${keys.localId}`, org: `org_local${keys.localId}`, zone: "0.5" };
}

/** This computer as a device of its owner: what it runs again is a second opinion of the owner's own. */
export function localDevice(keys: StackKeys): LocalPrincipal {
  const sub = `dev_local_${keys.localId}`;
  return { sub, org: localOwner(keys).org, zone: "0.5", device: sub, scopes: PROVIDER_SCOPES };
}

/**
 * A device that sells work, in an organisation of its own, so that what it earns
 * is an account apart from what the owner spends. The name is of [a-z0-9_].
 */
export function localProvider(name: string): LocalPrincipal {
  const sub = `dev_provider_${name}`;
  return { sub, org: `org_provider_${name}`, zone: "0.5", device: sub, scopes: PROVIDER_SCOPES };
}

/** The operator's reserve, whose runs decide when two providers disagree. */
export const localReserve: LocalPrincipal = {
  sub: "svc_reserve",
  org: "org_operator",
  zone: "0",
  scopes: PROVIDER_SCOPES,
};

/** Sign a token. Throws `scope_unknown`, `ttl_out_of_range`. */
export async function mintToken(keys: StackKeys, request: TokenRequest, nowMs: number): Promise<string> {
  const known = await allScopes();
  const scopes = request.scopes ?? known;
  const unknown = scopes.find((scope) => !known.includes(scope));
  if (unknown !== undefined) {
    throw new StackError(
      "scope_unknown",
      `there is no scope \`${unknown}\``,
      `the scopes are: ${known.join(", ")}`,
    );
  }
  const owner = localOwner(keys);
  const zone = request.zone ?? "0.5";
  const org = request.org ?? owner.org;
  return sign(keys, nowMs, {
    audience: LOCAL_AUDIENCE,
    sub: request.sub ?? owner.sub,
    ttlSeconds: checkedTtl(request.ttlSeconds, TOKEN_TTL_S_MAX),
    claims: {
      org,
      scopes: [...scopes],
      zone,
      // The stack speaks for one owner: whatever sells here as a device is one of theirs.
      ...(zone === "0.5" && org !== owner.org ? { account: owner.org } : {}),
      sid: `ses_${keys.localId}`,
      ...(request.device === undefined ? {} : { device: request.device }),
    },
  });
}

export type SyncTokenRequest = {
  /** Names of streams, or patterns of families. */
  readonly streams: readonly string[];
  /** Both of the sync lane when absent. */
  readonly scopes?: readonly string[];
  readonly sub?: string;
  readonly org?: string;
  /** 1 to 300; 300 when absent. */
  readonly ttlSeconds?: number;
};

const SYNC_SCOPES = ["sync.subscribe", "sync.checkpoint.write"];

/** Sign a token for the sync lane. Throws `stream_unknown`, `ttl_out_of_range`. */
export async function mintSyncToken(
  keys: StackKeys,
  request: SyncTokenRequest,
  nowMs: number,
): Promise<string> {
  const unknown = request.streams.find((text) => !isGrant(text));
  if (unknown !== undefined || request.streams.length > GRANTS_MAX) {
    throw new StackError(
      "stream_unknown",
      unknown === undefined
        ? "there are too many streams"
        : `"${unknown}" is no stream and no family of streams`,
      `name ${GRANTS_MAX} at most, such as runtime.run.*.events`,
    );
  }
  const owner = localOwner(keys);
  return sign(keys, nowMs, {
    audience: SYNC_AUDIENCE,
    sub: request.sub ?? owner.sub,
    ttlSeconds: checkedTtl(request.ttlSeconds, SYNC_TOKEN_TTL_S_MAX),
    claims: {
      org: request.org ?? owner.org,
      scopes: [...(request.scopes ?? SYNC_SCOPES)],
      streams: [...request.streams],
      sid: `ses_${keys.localId}`,
    },
  });
}

type Signed = {
  readonly audience: string;
  readonly sub: string;
  readonly ttlSeconds: number;
  readonly claims: JWTPayload;
};

async function sign(
  keys: StackKeys,
  nowMs: number,
  { audience, sub, ttlSeconds, claims }: Signed,
): Promise<string> {
  const issuedAtS = Math.floor(nowMs / 1000);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "EdDSA", typ: "JWT", kid: keys.tokenKey.kid ?? "" })
    .setIssuer(LOCAL_ISSUER)
    .setAudience(audience)
    .setSubject(sub)
    .setJti(randomBytes(16).toString("hex"))
    .setIssuedAt(issuedAtS)
    .setExpirationTime(issuedAtS + ttlSeconds)
    .sign(await importJWK(keys.tokenKey, "EdDSA"));
}

function checkedTtl(ttlSeconds: number | undefined, max: number): number {
  const seconds = ttlSeconds ?? max;
  if (Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= max) return seconds;
  throw new StackError(
    "ttl_out_of_range",
    `a token cannot live for ${seconds} seconds`,
    `choose a whole number from 1 to ${max}`,
  );
}

/**
 * A provider of fresh tokens for a client: one token serves until a minute before
 * it ends, so that a long job never meets an expired one.
 */
export function tokenSource(
  keys: StackKeys,
  principal: LocalPrincipal,
  nowMs: () => number,
): () => Promise<string> {
  let current: { readonly token: Promise<string>; readonly renewAtMs: number } | undefined;
  return () => {
    const now = nowMs();
    if (current === undefined || now >= current.renewAtMs) {
      current = {
        token: mintToken(keys, principal, now),
        renewAtMs: now + (TOKEN_TTL_S_MAX - 60) * 1000,
      };
    }
    return current.token;
  };
}
