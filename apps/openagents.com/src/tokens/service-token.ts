import type { Signer } from "./signer.ts";

const LIFE_S = 60;

/** A token by which the control service itself reads at another service; for one call. */
export function createServiceToken(signer: Signer, scopes: readonly string[]): () => Promise<string> {
  const claims = { sub: "svc_control", org: "org_operator", scopes, zone: "0", sid: "svc_control" } as const;
  return () => signer.access(claims, LIFE_S);
}
