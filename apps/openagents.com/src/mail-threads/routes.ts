import { MailThreads, bind, type Binding } from "@openagents/contracts";
import { PAGE_DEFAULT, decodeCursor, notFound, pageOf } from "@openagents/service";
import { listMailboxes } from "../mailboxes/index.ts";
import type { UserOf } from "../persons/index.ts";
import { findThread, listMessages, listThreads, type Place } from "./store.ts";
import { refreshMailboxes, type SyncDeps } from "./sync.ts";
import { messageMessage, threadMessage } from "./thread.ts";

/** Before everything else in a list that shows the newest first. */
const NEWEST: Place = { atMs: 2n ** 63n - 1n, id: "" };

export function mailThreadRoutes(deps: SyncDeps & { readonly userOf: UserOf }): Binding {
  return bind(MailThreads, {
    async listMailThreads({ cursor, limit = PAGE_DEFAULT }, call) {
      const userId = await deps.userOf(deps.db, call.principal);
      const found = await listThreads(deps.db, call.principal.org, userId, placeOf(cursor), limit + 1);
      const { items, nextCursor } = pageOf(
        found,
        limit,
        (thread) => `${thread.lastMessageAtMs} ${thread.threadId}`,
      );
      return { threads: items.map(threadMessage), nextCursor };
    },

    async getMailThread({ threadId, cursor, limit = PAGE_DEFAULT }, call) {
      const userId = await deps.userOf(deps.db, call.principal);
      const thread = await findThread(deps.db, threadId);
      if (thread?.userId !== userId || thread.org !== call.principal.org) throw notFound("thread", threadId);
      const found = await listMessages(deps.db, threadId, placeOf(cursor), limit + 1);
      const { items, nextCursor } = pageOf(
        found,
        limit,
        (message) => `${message.occurredAtMs} ${message.messageId}`,
      );
      return { thread: threadMessage(thread), messages: items.map(messageMessage), nextCursor };
    },

    async refreshMail(_request, call) {
      const userId = await deps.userOf(deps.db, call.principal);
      return refreshMailboxes(deps, call, await listMailboxes(deps.db, call.principal.org, userId));
    },
  });
}

function placeOf(cursor: string | undefined): Place {
  if (cursor === undefined) return NEWEST;
  const [atMs = "", id = ""] = decodeCursor(cursor, /^\d{1,16} m(th|ms)_[0-9a-f]{32}$/).split(" ");
  return { atMs: Number(atMs), id };
}
