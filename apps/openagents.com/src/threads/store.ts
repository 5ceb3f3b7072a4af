import type { JsonObject, ThreadMessageRole, ThreadMessageStatus } from "@openagents/contracts";
import { statement, type Queryable, type RowsWrite, type Tx, type Write } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";
import type { Thread, ThreadMessage } from "./thread.ts";

type ThreadRow = {
  thread_id: string;
  org: string;
  owner: string;
  title: string;
  autopilot_id: string | null;
  worker_id: string | null;
  message_count: bigint;
  last_message_at_ms: bigint | null;
  created_at_ms: bigint;
  updated_at_ms: bigint;
};

const COLUMNS = `thread_id, org, owner, title, autopilot_id, worker_id, message_count, last_message_at_ms,
  created_at_ms, updated_at_ms`;

function threadOf(row: ThreadRow): Thread {
  return {
    threadId: row.thread_id,
    org: row.org,
    owner: row.owner,
    title: row.title,
    autopilotId: row.autopilot_id ?? undefined,
    workerId: row.worker_id ?? undefined,
    messageCount: row.message_count,
    lastMessageAtMs: row.last_message_at_ms === null ? undefined : Number(row.last_message_at_ms),
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
  };
}

const FIND = statement(
  "threads.find",
  `SELECT ${COLUMNS} FROM control.threads WHERE org = $1 AND owner = $2 AND thread_id = $3`,
);

export async function findThread(
  q: Queryable,
  org: string,
  owner: string,
  threadId: string,
): Promise<Thread | undefined> {
  const [row] = await q.query<ThreadRow>(FIND, [org, owner, threadId]);
  return row === undefined ? undefined : threadOf(row);
}

const LOCK = statement(
  "threads.lock",
  `SELECT ${COLUMNS} FROM control.threads WHERE thread_id = $1 FOR NO KEY UPDATE`,
);

/** Lock its worker before it. Throws for one that is not there. */
export async function lockThread(tx: Tx, threadId: string): Promise<Thread> {
  const [row] = await tx.query<ThreadRow>(LOCK, [threadId]);
  if (row === undefined) throw new Error(`there is no thread ${threadId}`);
  return threadOf(row);
}

const LIST = statement(
  "threads.list",
  `SELECT ${COLUMNS} FROM control.threads
    WHERE org = $1 AND owner = $2 AND thread_id < $3 ORDER BY thread_id DESC LIMIT $4`,
);

export async function listThreads(
  q: Queryable,
  org: string,
  owner: string,
  before: string,
  limit: number,
): Promise<Thread[]> {
  return (await q.query<ThreadRow>(LIST, [org, owner, before, limit])).map(threadOf);
}

const LIST_WITH = statement(
  "threads.list_with_autopilot",
  `SELECT ${COLUMNS} FROM control.threads
    WHERE autopilot_id = $1 AND thread_id < $2 ORDER BY thread_id DESC LIMIT $3`,
);

/** Those with an autopilot, which has one owner. */
export async function listThreadsWith(
  q: Queryable,
  autopilotId: string,
  before: string,
  limit: number,
): Promise<Thread[]> {
  return (await q.query<ThreadRow>(LIST_WITH, [autopilotId, before, limit])).map(threadOf);
}

/** Insert, or replace what changes. */
export function upsertThread(thread: Thread): Write {
  return {
    name: "threads.upsert",
    text: `INSERT INTO control.threads (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (thread_id) DO UPDATE SET
             worker_id = excluded.worker_id, message_count = excluded.message_count,
             last_message_at_ms = excluded.last_message_at_ms, updated_at_ms = excluded.updated_at_ms`,
    values: [
      thread.threadId,
      thread.org,
      thread.owner,
      thread.title,
      thread.autopilotId ?? null,
      thread.workerId ?? null,
      thread.messageCount,
      thread.lastMessageAtMs ?? null,
      thread.createdAtMs,
      thread.updatedAtMs,
    ],
  };
}

type MessageRow = {
  thread_id: string;
  seq: bigint;
  message_id: string;
  role: ThreadMessageRole;
  status: ThreadMessageStatus;
  text: string;
  tool: string;
  error: string;
  request_id: string;
  item_id: string;
  created_at_ms: bigint;
  updated_at_ms: bigint;
};

const MESSAGE_COLUMNS = `thread_id, seq, message_id, role, status, text, tool, error, request_id, item_id,
  created_at_ms, updated_at_ms`;

function messageOf(row: MessageRow): ThreadMessage {
  return {
    threadId: row.thread_id,
    seq: row.seq,
    messageId: row.message_id,
    role: row.role,
    status: row.status,
    text: row.text,
    tool: JSON.parse(row.tool) as JsonObject,
    error: JSON.parse(row.error) as JsonObject,
    requestId: row.request_id,
    itemId: row.item_id,
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
  };
}

const LIST_AFTER = statement(
  "thread_messages.list_after",
  `SELECT ${MESSAGE_COLUMNS} FROM control.thread_messages
    WHERE thread_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
);

const LIST_BEFORE = statement(
  "thread_messages.list_before",
  `SELECT * FROM (
     SELECT ${MESSAGE_COLUMNS} FROM control.thread_messages
      WHERE thread_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3) AS last ORDER BY seq`,
);

/** Oldest first. */
export async function listMessagesAfter(
  q: Queryable,
  threadId: string,
  seq: bigint,
  limit: number,
): Promise<ThreadMessage[]> {
  return (await q.query<MessageRow>(LIST_AFTER, [threadId, seq, limit])).map(messageOf);
}

/** The last ones before a number, oldest first. */
export async function listMessagesBefore(
  q: Queryable,
  threadId: string,
  seq: bigint,
  limit: number,
): Promise<ThreadMessage[]> {
  return (await q.query<MessageRow>(LIST_BEFORE, [threadId, seq, limit])).map(messageOf);
}

const LIST_ITEMS = statement(
  "thread_messages.list_items",
  `SELECT ${MESSAGE_COLUMNS} FROM control.thread_messages
    WHERE thread_id = $1 AND request_id = $2 AND item_id = ANY ($3)`,
);

/** The messages of a turn by the agent's names for them. Under the thread's lock they stay as they are. */
export async function listItems(
  tx: Tx,
  threadId: string,
  requestId: string,
  itemIds: readonly string[],
): Promise<ThreadMessage[]> {
  return (await tx.query<MessageRow>(LIST_ITEMS, [threadId, requestId, itemIds])).map(messageOf);
}

/** Insert, or replace what grows. */
export function upsertMessages(messages: readonly ThreadMessage[]): RowsWrite {
  const column = <T>(pick: (message: ThreadMessage) => T) => messages.map(pick);
  return {
    name: "thread_messages.upsert",
    text: `INSERT INTO control.thread_messages AS m (${MESSAGE_COLUMNS})
           SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
                                $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[])
           ON CONFLICT (thread_id, seq) DO UPDATE SET
             status = excluded.status, text = excluded.text, tool = excluded.tool,
             updated_at_ms = excluded.updated_at_ms`,
    rows: true,
    values: [
      column((each) => each.threadId),
      column((each) => each.seq),
      column((each) => each.messageId),
      column((each) => each.role),
      column((each) => each.status),
      column((each) => each.text),
      column((each) => canonicalize(each.tool)),
      column((each) => canonicalize(each.error)),
      column((each) => each.requestId),
      column((each) => each.itemId),
      column((each) => each.createdAtMs),
      column((each) => each.updatedAtMs),
    ],
  };
}

/** The end of a turn, for all of its messages that had none. */
export function markEnded(
  threadId: string,
  requestId: string,
  status: "complete" | "failed",
  error: JsonObject,
  nowMs: number,
): Write {
  return {
    name: "thread_messages.mark_ended",
    text: `UPDATE control.thread_messages
              SET status = $3, error = CASE WHEN role = 'user' THEN $4 ELSE error END, updated_at_ms = $5
            WHERE thread_id = $1 AND request_id = $2 AND status IN ('sent', 'streaming')`,
    values: [threadId, requestId, status, canonicalize(error), nowMs],
  };
}
