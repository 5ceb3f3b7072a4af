// Whether a caller may read a stream, as far as its name and the caller tell. Pure.
//
// POL-1  A family's grant reaches the caller's own streams only: the sync server asks whose each is.
// POL-2  A single name is granted only to whoever may read that stream.
// POL-3  Revocations are for services.
// Held by decide-stream.test.ts and tests/sync-token.pg.test.ts.

import type { Principal } from "@openagents/contracts";
import { FAMILIES, isGrant, parseStreamId, type StreamFamily } from "@openagents/streams";

export type StreamDecision =
  | "allowed"
  | "denied"
  /** Whoever keeps the stream knows whose it is. */
  | "ask_control"
  | "ask_runtime";

export function decideStream(
  principal: Pick<Principal, "id" | "kind" | "org" | "scopes" | "actingFor">,
  text: string,
): StreamDecision {
  if (!isGrant(text)) return "denied";
  const name = parseStreamId(text);
  const family = name?.family ?? familyOf(text);
  if (family === undefined) return "denied";
  if (family === "revocations")
    return principal.kind === "service" && principal.scopes.has("revocations:read") ? "allowed" : "denied";
  if (name === undefined || family === "stats") return "allowed";
  switch (family) {
    case "fleet_user":
    case "approvals":
      return name.id === (principal.actingFor ?? principal.id) ? "allowed" : "denied";
    case "treasury":
      return name.id === principal.org ? "allowed" : "denied";
    default:
      return FAMILIES[family].pattern.startsWith("control.") ? "ask_control" : "ask_runtime";
  }
}

function familyOf(pattern: string): StreamFamily | undefined {
  return (Object.keys(FAMILIES) as StreamFamily[]).find((family) => FAMILIES[family].pattern === pattern);
}
