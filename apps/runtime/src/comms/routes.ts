import type { Authority } from "@openagents/authority";
import { Comms, bind, type Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { decodeCursor, encodeCursor, PAGE_DEFAULT } from "@openagents/service";
import { deliveryEventMessage } from "./delivery-event.ts";
import { recordDeliveryEvent } from "./record.ts";
import { listDeliveryEvents } from "./store.ts";

export type CommsDeps = { readonly db: Database; readonly authority: Authority };

const AFTER_ALL_EVENTS = 2n ** 63n - 1n;

export function commsRoutes(deps: CommsDeps): Binding {
  return bind(Comms, {
    recordDeliveryEvent: (request, call) => recordDeliveryEvent(deps, call, request),

    async listDeliveryEvents(request, call) {
      const beforeSeq =
        request.cursor === undefined ? AFTER_ALL_EVENTS : BigInt(decodeCursor(request.cursor, /^\d{1,18}$/));
      const limit = request.limit ?? PAGE_DEFAULT;
      const page = { beforeSeq, limit: limit + 1, messageId: request.messageId };
      const found = await listDeliveryEvents(deps.db, call.principal.org, page);
      const events = found.slice(0, limit);
      const last = found.length > limit ? events.at(-1) : undefined;
      return {
        events: events.map(({ event }) => deliveryEventMessage(event)),
        nextCursor: last === undefined ? undefined : encodeCursor(last.seq.toString()),
      };
    },
  });
}
