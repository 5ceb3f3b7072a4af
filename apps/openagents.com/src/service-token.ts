import { randomUUID } from "node:crypto";
import { SignJWT, importJWK, type JWK } from "jose";

export type ServiceTokenDeps = {
  readonly tokenKeys: readonly JWK[];
  readonly issuer: string;
  readonly audience: string;
  readonly nowMs: () => number;
};

const LIFE_S = 60;

/** A token by which the control service itself reads at another service; for one call. */
export function createServiceToken(deps: ServiceTokenDeps, scopes: readonly string[]): () => Promise<string> {
  const [key] = deps.tokenKeys;
  if (key === undefined) throw new Error("there is no key that signs tokens");
  return async () => {
    const issuedAtS = Math.floor(deps.nowMs() / 1000);
    return new SignJWT({ org: "org_operator", scopes, zone: "0" })
      .setProtectedHeader({ alg: "EdDSA", kid: key.kid ?? "" })
      .setSubject("svc_control")
      .setIssuer(deps.issuer)
      .setAudience(deps.audience)
      .setIssuedAt(issuedAtS)
      .setExpirationTime(issuedAtS + LIFE_S)
      .setJti(randomUUID())
      .sign(await importJWK(key, "EdDSA"));
  };
}
