import { statement, type Queryable, type Write } from "@openagents/postgres";
import { messageIdOf, type Message, type Thread } from "./thread.ts";

type ThreadRow = {
  thread_id: string;
  mailbox_id: string;
  org: string;
  user_id: string;
  remote_thread: string | null;
  subject: string;
  correspondent: string;
  snippet: string;
  message_count: number;
  last_message_at_ms: bigint;
};

const THREAD = `thread_id, mailbox_id, org, user_id, remote_thread, subject, correspondent, snippet, message_count,
  last_message_at_ms`;

function threadOfRow(row: ThreadRow): Thread {
  return {
    threadId: row.thread_id,
    mailboxId: row.mailbox_id,
    org: row.org,
    userId: row.user_id,
    remoteThread: row.remote_thread ?? undefined,
    subject: row.subject,
    correspondent: row.correspondent,
    snippet: row.snippet,
    messageCount: row.message_count,
    lastMessageAtMs: Number(row.last_message_at_ms),
  };
}

type MessageRow = {
  message_id: string;
  thread_id: string;
  message_key: string;
  rfc_message_id: string | null;
  rfc_references: string;
  sender: string;
  reply_to: string;
  recipients: string[];
  subject: string;
  body: string;
  sent_by_us: boolean;
  occurred_at_ms: bigint;
};

const MESSAGE = `message_id, thread_id, message_key, rfc_message_id, rfc_references, sender, reply_to, recipients,
  subject, body, sent_by_us, occurred_at_ms`;

function messageOfRow(row: MessageRow): Message {
  return {
    messageId: row.message_id,
    threadId: row.thread_id,
    messageKey: row.message_key,
    rfcMessageId: row.rfc_message_id ?? undefined,
    references: row.rfc_references.split(" ").filter((each) => each !== ""),
    sender: row.sender,
    replyTo: row.reply_to,
    recipients: row.recipients,
    subject: row.subject,
    body: row.body,
    sentByUs: row.sent_by_us,
    occurredAtMs: Number(row.occurred_at_ms),
  };
}

/** The place in a list behind which a page begins. */
export type Place = { readonly atMs: number | bigint; readonly id: string };

const LIST = statement(
  "mail_threads.list",
  `SELECT ${THREAD} FROM control.mail_threads
    WHERE org = $1 AND user_id = $2 AND (last_message_at_ms, thread_id) < ($3, $4)
    ORDER BY last_message_at_ms DESC, thread_id DESC LIMIT $5`,
);

export async function listThreads(
  q: Queryable,
  org: string,
  userId: string,
  { atMs, id }: Place,
  limit: number,
): Promise<Thread[]> {
  return (await q.query<ThreadRow>(LIST, [org, userId, atMs, id, limit])).map(threadOfRow);
}

const FIND = statement(
  "mail_threads.find",
  `SELECT ${THREAD} FROM control.mail_threads WHERE thread_id = $1`,
);

export async function findThread(q: Queryable, threadId: string): Promise<Thread | undefined> {
  const [row] = await q.query<ThreadRow>(FIND, [threadId]);
  return row === undefined ? undefined : threadOfRow(row);
}

const LIST_MESSAGES = statement(
  "mail_messages.list",
  `SELECT ${MESSAGE} FROM control.mail_messages
    WHERE thread_id = $1 AND (occurred_at_ms, message_id) < ($2, $3)
    ORDER BY occurred_at_ms DESC, message_id DESC LIMIT $4`,
);

export async function listMessages(
  q: Queryable,
  threadId: string,
  { atMs, id }: Place,
  limit: number,
): Promise<Message[]> {
  return (await q.query<MessageRow>(LIST_MESSAGES, [threadId, atMs, id, limit])).map(messageOfRow);
}

const KNOWN = statement(
  "mail_messages.known",
  "SELECT message_id FROM control.mail_messages WHERE message_id = ANY ($1)",
);

/** Which of the keys of a mailbox are there. */
export async function findKnownKeys(
  q: Queryable,
  mailboxId: string,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const byId = new Map(keys.map((key) => [messageIdOf(mailboxId, key), key]));
  const rows = await q.query<{ message_id: string }>(KNOWN, [[...byId.keys()]]);
  return new Set(rows.map(({ message_id }) => byId.get(message_id) ?? ""));
}

/** Adds what new messages make of their threads, under the lock of their mailbox. */
export function addToThreads(threads: readonly Thread[]): Write {
  const rows = threads.map((thread) => ({
    thread_id: thread.threadId,
    mailbox_id: thread.mailboxId,
    org: thread.org,
    user_id: thread.userId,
    remote_thread: thread.remoteThread ?? null,
    subject: thread.subject,
    correspondent: thread.correspondent,
    snippet: thread.snippet,
    message_count: thread.messageCount,
    last_message_at_ms: thread.lastMessageAtMs,
  }));
  return {
    name: "mail_threads.add",
    text: `INSERT INTO control.mail_threads AS t (${THREAD})
           SELECT ${THREAD} FROM jsonb_populate_recordset(NULL::control.mail_threads, $1::jsonb)
           ON CONFLICT (thread_id) DO UPDATE SET
             message_count = t.message_count + excluded.message_count,
             correspondent = CASE WHEN excluded.last_message_at_ms >= t.last_message_at_ms
                                  THEN excluded.correspondent ELSE t.correspondent END,
             snippet = CASE WHEN excluded.last_message_at_ms >= t.last_message_at_ms
                            THEN excluded.snippet ELSE t.snippet END,
             last_message_at_ms = greatest(t.last_message_at_ms, excluded.last_message_at_ms)`,
    values: [JSON.stringify(rows)],
  };
}

export function insertMessages(messages: readonly Message[]): Write {
  const rows = messages.map((message) => ({
    message_id: message.messageId,
    thread_id: message.threadId,
    message_key: message.messageKey,
    rfc_message_id: message.rfcMessageId ?? null,
    rfc_references: message.references.join(" "),
    sender: message.sender,
    reply_to: message.replyTo,
    recipients: message.recipients,
    subject: message.subject,
    body: message.body,
    sent_by_us: message.sentByUs,
    occurred_at_ms: message.occurredAtMs,
  }));
  return {
    name: "mail_messages.insert",
    text: `INSERT INTO control.mail_messages (${MESSAGE})
           SELECT ${MESSAGE} FROM jsonb_populate_recordset(NULL::control.mail_messages, $1::jsonb)`,
    values: [JSON.stringify(rows)],
  };
}

const FORGET = statement(
  "mail_threads.forget",
  "DELETE FROM control.mail_threads WHERE last_message_at_ms < $1",
);

/** Longer than mail is looked back for, so that what is forgotten is not met again. */
const KEPT_MS = 90 * 86_400_000;

/** Threads in which nothing happened for long, with their messages. */
export async function forgetThreads(q: Queryable, nowMs: number): Promise<void> {
  await q.query(FORGET, [nowMs - KEPT_MS]);
}
