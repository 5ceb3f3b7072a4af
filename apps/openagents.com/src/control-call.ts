// The control service as a caller of its own commands.

import { randomUUID } from "node:crypto";
import { methodsOf, type CommandCall, type Contract, type Principal } from "@openagents/contracts";

/** A call in the service's own name. Its key is its own: the state keeps a step from being taken twice. */
export function controlCall(
  contract: Contract,
  localName: string,
  scope: string,
  signal: AbortSignal,
): CommandCall {
  const method = methodsOf(contract).find((each) => each.localName === localName);
  if (method === undefined) throw new Error(`the contract has no ${localName}`);
  const principal = controlPrincipal(scope);
  return { requestId: `req_${randomUUID()}`, signal, method, idempotencyKey: randomUUID(), principal };
}

/** The control service itself. */
export function controlPrincipal(scope: string): Principal {
  return {
    id: "svc_control",
    kind: "service",
    org: "org_operator",
    scopes: new Set(["admin", scope]),
    zoneTenths: 0,
    tokenId: "svc_control",
  };
}
