import { Policy, bind, type Binding } from "@openagents/contracts";
import { decideAuthorization } from "./decide-authorization.ts";
import type { StreamAccess } from "./stream-access.ts";

export function policyRoutes({ streamAccess }: { readonly streamAccess: StreamAccess }): Binding {
  return bind(Policy, {
    async authorize({ orgId, requiredScopes, streams }, { principal }) {
      const asked = await Promise.all(
        streams.map(async (name) => ({ name, allowed: await streamAccess.mayRead(principal, name) })),
      );
      return decideAuthorization(principal, {
        orgId: orgId ?? principal.org,
        requiredScopes,
        streams: asked,
      });
    },
  });
}
