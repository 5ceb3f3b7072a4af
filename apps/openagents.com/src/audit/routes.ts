import { AuditLog, bind, type Binding } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { PAGE_DEFAULT, decodeCursor, encodeCursor } from "@openagents/service";
import { listAuditEntries } from "./store.ts";

/** Sorts behind every id. */
const FIRST = "aud_g";

export function auditRoutes({ db }: { readonly db: Queryable }): Binding {
  return bind(AuditLog, {
    async listAuditEntries(request, call) {
      const before =
        request.cursor === undefined ? FIRST : decodeCursor(request.cursor, /^aud_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listAuditEntries(db, call.principal.org, before, limit + 1, request);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        entries: page.map(({ occurredAtMs, org: _org, ...entry }) => ({
          ...entry,
          occurredAt: occurredAtMs,
        })),
        nextCursor: last === undefined ? undefined : encodeCursor(last.entryId),
      };
    },
  });
}
