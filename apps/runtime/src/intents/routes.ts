import { findIntent } from "@openagents/authority";
import { Intents, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";

export function intentRoutes(deps: { readonly db: Database }): Binding {
  return bind(Intents, {
    async getIntent(request, call) {
      const intent = await findIntent(deps.db, call.principal.org, request.intentId);
      if (intent === undefined) throw notFound("intent", request.intentId);
      const { intentId, kind, subject, status, attempts, detail, createdAtMs, updatedAtMs } = intent;
      return {
        intent: {
          intentId,
          kind,
          subject,
          status,
          attempts,
          detail,
          createdAt: createdAtMs,
          updatedAt: updatedAtMs,
        },
      };
    },
  });
}
