// Mail that waits for its person.
//
// MDR-1  Nothing is sent but the version that the person approved, in a session of the last minutes.
// MDR-2  A draft is sent once, however often and by whatever way it is approved.
// MDR-3  What may have been sent is asked about, and not sent again.
// MDR-4  It is said to be sent only once the mail server took it.
// MDR-5  Nothing that is written into a draft becomes a header, or a second recipient, of its own.
// Held by decide-draft.test.ts, tests/mail-drafts.pg.test.ts and tests/mail-send.pg.test.ts.

import type { Intent } from "@openagents/authority";
import type { MailDraft, MailDraftStatus } from "@openagents/contracts";
import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";

export type Draft = {
  readonly draftId: string;
  readonly org: string;
  /** Whose mail it is, and who decides. */
  readonly userId: string;
  readonly mailboxId: string;
  readonly threadId: string | undefined;
  readonly remoteThread: string | undefined;
  readonly inReplyTo: string | undefined;
  readonly references: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly body: string;
  readonly version: number;
  /** `unknown` is not among them: that the intent says. */
  readonly status: Exclude<MailDraftStatus, "unknown">;
  readonly authoredBy: string;
  readonly approvalId: string | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly sentAtMs: number | undefined;
  readonly detail: string | undefined;
  readonly receiptId: string | undefined;
};

/** The kind of intent that sends one; its key is the draft's id, so that there is one for each. */
export const MAIL_SEND = "mail.send";

/** Of all that the recipients get. */
export function contentSha256({ from, to, subject, body, inReplyTo }: Draft): string {
  const reply = inReplyTo === undefined ? {} : { in_reply_to: inReplyTo };
  return sha256Hex(canonicalize({ from, to, subject, body, ...reply }));
}

/** What an approval of it is about. */
export function draftFacts(draft: Draft): JsonObject {
  return {
    draft_id: draft.draftId,
    version: draft.version,
    from: draft.from,
    to: draft.to,
    subject: draft.subject,
    content_sha256: contentSha256(draft),
  };
}

/** With its angle brackets: of the draft, so that a mail that is met is known by it. */
export function messageIdOf({ draftId, from }: Draft): string {
  return `<${draftId}@${from.split("@").at(-1) ?? ""}>`;
}

/** @param intent what sends it, where it is under way */
export function draftMessage(draft: Draft, intent: Pick<Intent, "status" | "detail"> | undefined): MailDraft {
  const isUnknown = draft.status === "pending" && intent?.status === "unknown";
  return {
    draftId: draft.draftId,
    mailboxId: draft.mailboxId,
    threadId: draft.threadId,
    from: draft.from,
    to: draft.to,
    subject: draft.subject,
    body: draft.body,
    version: draft.version,
    status: isUnknown ? "unknown" : draft.status,
    authoredBy: draft.authoredBy,
    approvalId: draft.approvalId,
    createdAt: draft.createdAtMs,
    updatedAt: draft.updatedAtMs,
    sentAt: draft.sentAtMs,
    detail: draft.status === "pending" ? intent?.detail : draft.detail,
    receiptId: draft.receiptId,
  };
}
