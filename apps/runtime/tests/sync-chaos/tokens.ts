// Tokens as control signs them, for processes that were handed its key.

import { randomUUID } from "node:crypto";
import { allScopes } from "@openagents/contracts";
import { SYNC_AUDIENCE } from "@openagents/spacetime";
import { SignJWT, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";

export const ISSUER = "https://control.example";

export type Keys = { readonly private: JWK; readonly public: JWK };

export async function makeKeys(): Promise<Keys> {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const named = { kid: "chaos", alg: "EdDSA" };
  return {
    private: { ...(await exportJWK(privateKey)), ...named },
    public: { ...(await exportJWK(publicKey)), ...named },
  };
}

export async function syncToken(key: JWK, streams: readonly string[], lifeS: number) {
  // Tokens count in whole seconds.
  const issuedAtS = Math.floor(Date.now() / 1_000);
  const claims = { org: "org_operator", scopes: ["sync.subscribe"], streams, sid: "ses_chaos" };
  const token = await sign(key, claims, SYNC_AUDIENCE, issuedAtS, lifeS);
  return { token, expiresAtMs: (issuedAtS + lifeS) * 1_000 };
}

export function runtimeToken(key: JWK, org: string): Promise<string> {
  const claims = { org, scopes: allScopes(), zone: "1", account: org, sid: "ses_chaos" };
  return sign(key, claims, "openagents", Math.floor(Date.now() / 1_000), 600);
}

async function sign(key: JWK, claims: object, audience: string, issuedAtS: number, lifeS: number) {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: "EdDSA", kid: "chaos" })
    .setSubject("usr_chaos")
    .setIssuer(ISSUER)
    .setAudience(audience)
    .setIssuedAt(issuedAtS)
    .setExpirationTime(issuedAtS + lifeS)
    .setJti(randomUUID())
    .sign(await importJWK(key, "EdDSA"));
}
