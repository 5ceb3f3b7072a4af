// A connected provider with its secret, for what the control service itself does in
// an organisation's name. The secret goes to the provider and nowhere else.

import type { IntegrationProvider } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { sealContext } from "./integration.ts";
import type { Sealer } from "./seal.ts";
import { findIntegration } from "./store.ts";

/** Undefined where it is not connected. */
export async function findConnection(
  q: Queryable,
  sealer: Sealer,
  org: string,
  provider: IntegrationProvider,
): Promise<{ readonly baseUrl: string; readonly secret: string } | undefined> {
  const found = await findIntegration(q, org, provider);
  return found === undefined
    ? undefined
    : { baseUrl: found.baseUrl, secret: sealer.open(found.sealed, sealContext(found)) };
}
