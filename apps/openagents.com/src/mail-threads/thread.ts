// Mail that came, as it is kept here for a while: a copy, which changes nothing where it is from.
//
// MTH-1  A message is there once, however often and by however many it is met.
// MTH-2  Which thread it belongs to follows from the message alone, so that the order of arrival does not matter.
// MTH-3  Nobody but the mailbox's person, and who acts for them, reads it.
// Held by thread.test.ts and tests/mail-threads.pg.test.ts.

import type { MailMessage, MailThread } from "@openagents/contracts";
import { sha256Hex } from "@openagents/receipts";
import type { FoundMail, Mailbox, readMail } from "../mailboxes/index.ts";

export type Thread = {
  readonly threadId: string;
  readonly mailboxId: string;
  readonly org: string;
  readonly userId: string;
  /** The provider's own id, where it has one. */
  readonly remoteThread: string | undefined;
  readonly subject: string;
  readonly correspondent: string;
  readonly snippet: string;
  readonly messageCount: number;
  readonly lastMessageAtMs: number;
};

export type Message = {
  readonly messageId: string;
  readonly threadId: string;
  readonly messageKey: string;
  /** RFC 5322's. */
  readonly rfcMessageId: string | undefined;
  readonly references: readonly string[];
  readonly sender: string;
  readonly replyTo: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  readonly body: string;
  readonly sentByUs: boolean;
  readonly occurredAtMs: number;
};

type ReadMail = Awaited<ReturnType<typeof readMail>>;

const SNIPPET_LENGTH = 200;

export function messageIdOf(mailboxId: string, messageKey: string): string {
  return `mms_${sha256Hex(`${mailboxId}\n${messageKey}`).slice(0, 32)}`;
}

/** The thread of a message: the provider's, or the one that its first reference began. */
export function threadIdOf(
  mailboxId: string,
  { key, remoteThread }: Pick<FoundMail, "key" | "remoteThread">,
  { messageId, references }: Pick<ReadMail, "messageId" | "references">,
): string {
  const root = remoteThread ?? references[0] ?? messageId ?? key;
  return `mth_${sha256Hex(`${mailboxId}\n${root}`).slice(0, 32)}`;
}

export function messageOf({ mailboxId }: Mailbox, found: FoundMail, read: ReadMail): Message {
  const { messageId: rfcMessageId, ...said } = read;
  return {
    ...said,
    messageId: messageIdOf(mailboxId, found.key),
    threadId: threadIdOf(mailboxId, found, read),
    messageKey: found.key,
    rfcMessageId,
    sentByUs: found.sentByUs,
    occurredAtMs: found.occurredAtMs,
  };
}

/** What new messages make of the thread that they are of; its count is what they add to it. */
export function threadOf(
  { mailboxId, org, userId }: Mailbox,
  remoteThread: string | undefined,
  messages: readonly Message[],
): Thread {
  const [first, ...later] = messages.toSorted(
    (a, b) => a.occurredAtMs - b.occurredAtMs || (a.messageId < b.messageId ? -1 : 1),
  );
  if (first === undefined) throw new Error("a thread is of messages");
  const latest = later.at(-1) ?? first;
  return {
    threadId: first.threadId,
    mailboxId,
    org,
    userId,
    remoteThread,
    subject: first.subject,
    correspondent: latest.sentByUs ? (latest.recipients[0] ?? "") : latest.sender,
    snippet: latest.body.replaceAll(/\s+/g, " ").slice(0, SNIPPET_LENGTH).toWellFormed(),
    messageCount: messages.length,
    lastMessageAtMs: latest.occurredAtMs,
  };
}

export function threadMessage(thread: Thread): MailThread {
  return {
    threadId: thread.threadId,
    mailboxId: thread.mailboxId,
    subject: thread.subject,
    correspondent: thread.correspondent,
    snippet: thread.snippet,
    messageCount: thread.messageCount,
    lastMessageAt: thread.lastMessageAtMs,
  };
}

export function messageMessage(message: Message): MailMessage {
  return {
    messageId: message.messageId,
    sender: message.sender,
    recipients: message.recipients,
    subject: message.subject,
    body: message.body,
    sentByUs: message.sentByUs,
    occurredAt: message.occurredAtMs,
  };
}
