// Sends what was approved, once: by an intent whose key is the draft's id. What may have
// been taken by the mail server is asked about by its message id, and never sent again.

import type { Effect, Intent, IntentHandler, TerminalEffect } from "@openagents/authority";
import { eventDraft, streamEventsWrite } from "@openagents/authority";
import { MailDrafts, methodsOf } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { streamId } from "@openagents/streams";
import { addToThreads, findKnownKeys, insertMessages, messageOf, threadOf } from "../mail-threads/index.ts";
import {
  composeMail,
  findMailbox,
  lockMailbox,
  readMail,
  type OpenMailAccount,
  type OutgoingMail,
} from "../mailboxes/index.ts";
import { MAIL_SEND, contentSha256, messageIdOf, type Draft } from "./draft.ts";
import { findDraft, lockDraft, markDraftEnded } from "./store.ts";

/** How long a server that takes nothing now is tried again. */
const TRIED_FOR_MS = 3_600_000;

export function sendHandler(deps: {
  readonly db: Database;
  readonly openAccount: OpenMailAccount;
  readonly nowMs: () => number;
}): IntentHandler {
  const { db, openAccount, nowMs } = deps;
  const method = methodsOf(MailDrafts).find(({ localName }) => localName === "approveMailDraft");
  if (method === undefined) throw new Error("the contract has no approveMailDraft");

  const open = async (draft: Draft) => {
    const mailbox = await findMailbox(db, draft.mailboxId);
    return mailbox === undefined ? undefined : openAccount(db, mailbox);
  };

  return {
    kind: MAIL_SEND,
    method,
    async act(intent, signal) {
      const draft = await findDraft(db, intent.subject);
      if (draft === undefined) return failed("draft_gone", ERASED);
      const account = await open(draft);
      if (account === undefined) return failed("mailbox_missing", "The mailbox is not connected any more.");
      const result = await account.send(await mailOf(draft, intent), signal);
      if (result.kind !== "not_sent" || nowMs() - intent.createdAtMs < TRIED_FOR_MS) return result;
      return failed("not_taken", `${result.detail} It was tried for an hour.`);
    },
    async ask(intent, signal) {
      const draft = await findDraft(db, intent.subject);
      // Nobody is left to tell, and its mailbox is gone with it.
      if (draft === undefined) return failed("draft_gone", ERASED);
      const account = await open(draft);
      if (account === undefined)
        return {
          kind: "unknown",
          detail: "The mailbox is not connected any more. Look among your sent mail.",
        };
      return account.findSent(await mailOf(draft, intent), intent.sentAtMs ?? intent.createdAtMs, signal);
    },
    async conclude(command, intent, effect) {
      // The mailbox before the draft: what is read from it takes that lock, too.
      const found = await findDraft(command.tx, intent.subject);
      if (found === undefined) return { kind: "recorded", writes: [] };
      const mailbox = await lockMailbox(command.tx, found.mailboxId);
      const draft = await lockDraft(command.tx, found.draftId);
      if (draft === undefined) return { kind: "recorded", writes: [] };
      if (draft.status !== "pending") throw new Error(`${found.draftId} ended without its intent`);
      const atMs = command.nowMs();
      const { draftId, userId } = draft;
      const event = { draft_id: draftId, status: effect.kind };
      const writes = [
        markDraftEnded(draftId, { status: effect.kind, detail: detailOf(effect), atMs }),
        streamEventsWrite([eventDraft(streamId("approvals", userId), userId, "draft.ended", event, atMs)]),
      ];
      if (effect.kind === "failed") return { kind: "recorded", writes };
      const facts = { draft_id: draftId, version: draft.version, content_sha256: contentSha256(draft) };
      command.seal("openagents.control.mail_sent.v1", draftId, facts, atMs);
      if (mailbox === undefined) return { kind: "recorded", writes };
      const message = await sentMessage(draft, intent, effect, atMs);
      const key = message.found.key;
      const isKnown = (await findKnownKeys(command.tx, mailbox.mailboxId, [key])).has(key);
      if (isKnown || key === "") return { kind: "recorded", writes };
      const kept = messageOf(mailbox, message.found, message.read);
      const thread = threadOf(mailbox, message.found.remoteThread, [kept]);
      return { kind: "recorded", writes: [addToThreads([thread]), insertMessages([kept]), ...writes] };
    },
  };
}

const ERASED = "It was erased with its person's account. What became of it is not known any more.";

async function mailOf(draft: Draft, intent: Intent): Promise<OutgoingMail> {
  const { draftId, from, to, subject, body, inReplyTo, references, remoteThread } = draft;
  const messageId = messageIdOf(draft);
  const dateMs = intent.createdAtMs;
  const raw = await composeMail({
    draftId,
    from,
    to,
    subject,
    body,
    messageId,
    inReplyTo,
    references,
    dateMs,
  });
  return { draftId, from, to, messageId, remoteThread, raw };
}

/** What was sent, as it will be met in the mailbox. */
async function sentMessage(
  draft: Draft,
  intent: Intent,
  effect: TerminalEffect & { readonly kind: "succeeded" },
  atMs: number,
) {
  const { message_key: key, remote_thread: thread } = effect.facts;
  const { raw } = await mailOf(draft, intent);
  const remoteThread = typeof thread === "string" && thread !== "" ? thread : draft.remoteThread;
  const found = {
    key: typeof key === "string" ? key : "",
    remoteThread,
    sentByUs: true,
    occurredAtMs: atMs,
    raw,
  };
  return { found, read: await readMail(raw) };
}

function detailOf(effect: TerminalEffect): string | undefined {
  if (effect.kind === "failed") return effect.detail;
  const rejected = effect.facts["rejected"];
  return Array.isArray(rejected) && rejected.length > 0
    ? `The mail server did not take it for: ${rejected.join(", ")}.`
    : undefined;
}

function failed(reason: string, detail: string): Effect & { readonly kind: "failed" } {
  return { kind: "failed", reason, detail };
}
