import type { Authority } from "@openagents/authority";
import { MailDeliveries, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { PAGE_DEFAULT, decodeCursor, pageOf } from "@openagents/service";
import { mailDeliveryMessage, recordMailDelivery } from "./record.ts";
import { listMailDeliveries } from "./store.ts";

const AFTER_ALL = 2n ** 63n - 1n;

export function mailDeliveryRoutes(deps: { readonly db: Database; readonly authority: Authority }): Binding {
  return bind(MailDeliveries, {
    recordMailDelivery: (request, call) => recordMailDelivery(deps, call, request),

    async listMailDeliveries(request) {
      const before =
        request.cursor === undefined ? AFTER_ALL : BigInt(decodeCursor(request.cursor, /^\d{1,18}$/));
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listMailDeliveries(deps.db, before, limit + 1);
      const { items, nextCursor } = pageOf(found, limit, ({ seq }) => seq.toString());
      return { deliveries: items.map(({ delivery }) => mailDeliveryMessage(delivery)), nextCursor };
    },
  });
}
