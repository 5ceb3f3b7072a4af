import { listIntentsByEffect } from "@openagents/authority";
import { MailDrafts, bind, type Binding, type MailDraft } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { PAGE_DEFAULT, decodeCursor, notFound, pageOf } from "@openagents/service";
import { MAIL_SEND, draftMessage, type Draft } from "./draft.ts";
import { createDraft, decideDraft, editDraft, type DraftDeps } from "./service.ts";
import { findDraft, listDrafts } from "./store.ts";

/** Sorts after every id. */
const AFTER_ALL = "mdr_g";

export function mailDraftRoutes(deps: DraftDeps): Binding {
  return bind(MailDrafts, {
    createMailDraft: (request, call) => createDraft(deps, call, request),
    editMailDraft: (request, call) => editDraft(deps, call, request),
    approveMailDraft: (request, call) => decideDraft(deps, call, request, "approved"),
    rejectMailDraft: (request, call) => decideDraft(deps, call, request, "rejected"),

    async listMailDrafts({ cursor, limit = PAGE_DEFAULT }, call) {
      const userId = await deps.userOf(deps.db, call.principal);
      const before = cursor === undefined ? AFTER_ALL : decodeCursor(cursor, /^mdr_[0-9a-f]{32}$/);
      const found = await listDrafts(deps.db, call.principal.org, userId, before, limit + 1);
      const { items, nextCursor } = pageOf(found, limit, ({ draftId }) => draftId);
      return { drafts: await draftViews(deps.db, items), nextCursor };
    },

    async getMailDraft({ draftId }, call) {
      const userId = await deps.userOf(deps.db, call.principal);
      const draft = await findDraft(deps.db, draftId);
      if (draft?.userId !== userId || draft.org !== call.principal.org) throw notFound("draft", draftId);
      const [view] = await draftViews(deps.db, [draft]);
      if (view === undefined) throw notFound("draft", draftId);
      return { draft: view };
    },
  });
}

/** With how the sending of those that are under way stands. */
async function draftViews(q: Queryable, drafts: readonly Draft[]): Promise<MailDraft[]> {
  const sending = drafts.filter(({ status }) => status === "pending").map(({ draftId }) => draftId);
  const intents = await listIntentsByEffect(q, MAIL_SEND, sending);
  const byDraft = new Map(intents.map((intent) => [intent.effectKey, intent]));
  return drafts.map((draft) => draftMessage(draft, byDraft.get(draft.draftId)));
}
