// Every scope there is, from the contracts alone, so that a new method needs no list kept by hand.

import type { Contract } from "@openagents/contracts";

let known: readonly string[] | undefined;

/** The scopes of all methods and `admin`, sorted. */
export async function allScopes(): Promise<readonly string[]> {
  if (known !== undefined) return known;
  // Loaded here because the descriptors are large and most commands mint no token.
  const { methodsOf, ...exported } = await import("@openagents/contracts");
  const scopes = new Set(["admin"]);
  for (const value of Object.values(exported)) {
    if (!isContract(value)) continue;
    for (const method of methodsOf(value)) if (method.scope !== "") scopes.add(method.scope);
  }
  known = [...scopes].sort();
  return known;
}

function isContract(value: unknown): value is Contract {
  return typeof value === "object" && value !== null && "service" in value && "comments" in value;
}
