import { ApiKeys, bind, type Binding } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { PAGE_DEFAULT, decodeCursor, encodeCursor } from "@openagents/service";
import { apiKeyMessage } from "./api-key.ts";
import { createApiKey, createServiceKey, revokeApiKey, type ApiKeyDeps } from "./service.ts";
import { listApiKeys } from "./store.ts";

/** Sorts behind every id. */
const FIRST = "key_g";

export function apiKeyRoutes(deps: ApiKeyDeps & { readonly db: Queryable }): Binding {
  return bind(ApiKeys, {
    createApiKey: (request, call) => createApiKey(deps, call, request),
    createServiceKey: (request, call) => createServiceKey(deps, call, request),
    revokeApiKey: (request, call) => revokeApiKey(deps, call, request),

    async listApiKeys(request, call) {
      const before =
        request.cursor === undefined ? FIRST : decodeCursor(request.cursor, /^key_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listApiKeys(deps.db, call.principal.org, before, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        keys: page.map(apiKeyMessage),
        nextCursor: last === undefined ? undefined : encodeCursor(last.keyId),
      };
    },
  });
}
