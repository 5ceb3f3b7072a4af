import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { Whisper } from "./whisper.ts";

type WhisperRow = {
  whisper_id: string;
  sender: string;
  sender_handle: string | null;
  sender_name: string;
  recipient: string;
  recipient_handle: string | null;
  recipient_name: string;
  body: string;
  sent_at_ms: bigint;
  read_at_ms: bigint | null;
};

const COLUMNS = `w.whisper_id, w.sender, s.handle AS sender_handle, s.display_name AS sender_name,
  w.recipient, r.handle AS recipient_handle, r.display_name AS recipient_name, w.body, w.sent_at_ms, w.read_at_ms`;

const FROM = `FROM control.whisper_copies AS c
  JOIN control.whispers AS w ON w.whisper_id = c.whisper_id
  JOIN control.profiles AS s ON s.user_id = w.sender
  JOIN control.profiles AS r ON r.user_id = w.recipient`;

function whisperOf(row: WhisperRow): Whisper {
  return {
    whisperId: row.whisper_id,
    sender: { userId: row.sender, handle: row.sender_handle ?? "", displayName: row.sender_name },
    recipient: { userId: row.recipient, handle: row.recipient_handle ?? "", displayName: row.recipient_name },
    body: row.body,
    sentAtMs: Number(row.sent_at_ms),
    readAtMs: row.read_at_ms === null ? undefined : Number(row.read_at_ms),
  };
}

const LIST = statement(
  "whispers.list",
  `SELECT ${COLUMNS} ${FROM} WHERE c.user_id = $1 AND c.whisper_id < $2 ORDER BY c.whisper_id DESC LIMIT $3`,
);

const LIST_WITH = statement(
  "whispers.list_with",
  `SELECT ${COLUMNS} ${FROM}
    WHERE c.user_id = $1 AND c.peer = $4 AND c.whisper_id < $2 ORDER BY c.whisper_id DESC LIMIT $3`,
);

/** Of a person's own list, newest first, from below an id. */
export async function listWhispers(
  q: Queryable,
  userId: string,
  page: { readonly before: string; readonly limit: number; readonly peer: string | undefined },
): Promise<Whisper[]> {
  const values = [userId, page.before, page.limit];
  const rows =
    page.peer === undefined
      ? await q.query<WhisperRow>(LIST, values)
      : await q.query<WhisperRow>(LIST_WITH, [...values, page.peer]);
  return rows.map(whisperOf);
}

// The message and not the copy: two who delete it at once take turns, and the second sees that it is the last.
const LOCK = statement(
  "whispers.lock",
  "SELECT w.whisper_id FROM control.whispers AS w WHERE w.whisper_id = $1 FOR UPDATE",
);

const FIND = statement(
  "whispers.find",
  `SELECT ${COLUMNS}, (SELECT count(*)::integer FROM control.whisper_copies AS o WHERE o.whisper_id = $2) AS copies
   ${FROM} WHERE c.user_id = $1 AND c.whisper_id = $2`,
);

export type LockedWhisper = Whisper & { readonly isLastCopy: boolean };

/** One of a person's own list. */
export async function lockWhisper(
  tx: Tx,
  userId: string,
  whisperId: string,
): Promise<LockedWhisper | undefined> {
  await tx.query(LOCK, [whisperId]);
  const [row] = await tx.query<WhisperRow & { copies: number }>(FIND, [userId, whisperId]);
  return row === undefined ? undefined : { ...whisperOf(row), isLastCopy: row.copies === 1 };
}

const COUNT_SINCE = statement(
  "whispers.count_since",
  "SELECT count(*)::integer AS whispers FROM control.whispers WHERE sender = $1 AND sent_at_ms > $2",
);

export async function countWhispersSince(tx: Tx, sender: string, sinceMs: number): Promise<number> {
  const [row] = await tx.query<{ whispers: number }>(COUNT_SINCE, [sender, sinceMs]);
  return row?.whispers ?? 0;
}

export function insertWhisper({ whisperId, sender, recipient, body, sentAtMs }: Whisper): Write[] {
  return [
    {
      name: "whispers.insert",
      text: "INSERT INTO control.whispers (whisper_id, sender, recipient, body, sent_at_ms) VALUES ($1, $2, $3, $4, $5)",
      values: [whisperId, sender.userId, recipient.userId, body, sentAtMs],
    },
    {
      name: "whisper_copies.insert",
      text: `INSERT INTO control.whisper_copies (user_id, whisper_id, peer)
             VALUES ($1, $2, $3), ($3, $2, $1)`,
      values: [sender.userId, whisperId, recipient.userId],
    },
  ];
}

export function markWhisperRead(whisperId: string, nowMs: number): Write {
  return {
    name: "whispers.mark_read",
    text: "UPDATE control.whispers SET read_at_ms = $2 WHERE whisper_id = $1",
    values: [whisperId, nowMs],
  };
}

export function deleteCopy(userId: string, whisperId: string): Write {
  return {
    name: "whisper_copies.delete",
    text: "DELETE FROM control.whisper_copies WHERE user_id = $1 AND whisper_id = $2",
    values: [userId, whisperId],
  };
}

/** With what copies of it there are. */
export function deleteWhisper(whisperId: string): Write {
  return {
    name: "whispers.delete",
    text: "DELETE FROM control.whispers WHERE whisper_id = $1",
    values: [whisperId],
  };
}
