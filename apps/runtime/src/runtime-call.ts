// The runtime as a caller of its own commands.

import { randomUUID } from "node:crypto";
import { methodsOf, type CommandCall, type Contract, type Principal } from "@openagents/contracts";

/**
 * A call of the runtime itself; for an organisation's affairs, in that
 * organisation. Its key is its own: the state keeps a step from being
 * taken twice.
 */
export function runtimeCall(
  contract: Contract,
  localName: string,
  scope: string,
  signal: AbortSignal,
  org = "org_operator",
): CommandCall {
  const method = methodsOf(contract).find((each) => each.localName === localName);
  if (method === undefined) throw new Error(`the contract has no ${localName}`);
  const principal = runtimePrincipal(scope, org);
  return { requestId: `req_${randomUUID()}`, signal, method, principal, idempotencyKey: randomUUID() };
}

/** The runtime itself, in an organisation. */
export function runtimePrincipal(scope: string, org: string): Principal {
  return {
    id: "svc_runtime",
    kind: "service",
    org,
    scopes: new Set(["admin", scope]),
    zoneTenths: 0,
    tokenId: "svc_runtime",
  };
}
