import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { Draft } from "./draft.ts";

type DraftRow = {
  draft_id: string;
  org: string;
  user_id: string;
  mailbox_id: string;
  thread_id: string | null;
  remote_thread: string | null;
  in_reply_to: string | null;
  rfc_references: string;
  from_address: string;
  to_addresses: string[];
  subject: string;
  body: string;
  version: number;
  status: Draft["status"];
  authored_by: string;
  approval_id: string | null;
  created_at_ms: bigint;
  updated_at_ms: bigint;
  sent_at_ms: bigint | null;
  detail: string | null;
  receipt_id: string | null;
};

const COLUMNS = `draft_id, org, user_id, mailbox_id, thread_id, remote_thread, in_reply_to, rfc_references,
  from_address, to_addresses, subject, body, version, status, authored_by, approval_id, created_at_ms, updated_at_ms,
  sent_at_ms, detail, receipt_id`;

function draftOf(row: DraftRow): Draft {
  return {
    draftId: row.draft_id,
    org: row.org,
    userId: row.user_id,
    mailboxId: row.mailbox_id,
    threadId: row.thread_id ?? undefined,
    remoteThread: row.remote_thread ?? undefined,
    inReplyTo: row.in_reply_to ?? undefined,
    references: row.rfc_references,
    from: row.from_address,
    to: row.to_addresses,
    subject: row.subject,
    body: row.body,
    version: row.version,
    status: row.status,
    authoredBy: row.authored_by,
    approvalId: row.approval_id ?? undefined,
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
    sentAtMs: row.sent_at_ms === null ? undefined : Number(row.sent_at_ms),
    detail: row.detail ?? undefined,
    receiptId: row.receipt_id ?? undefined,
  };
}

const FIND = statement("mail_drafts.find", `SELECT ${COLUMNS} FROM control.mail_drafts WHERE draft_id = $1`);

export async function findDraft(q: Queryable, draftId: string): Promise<Draft | undefined> {
  const [row] = await q.query<DraftRow>(FIND, [draftId]);
  return row === undefined ? undefined : draftOf(row);
}

const LOCK = statement(
  "mail_drafts.lock",
  `SELECT ${COLUMNS} FROM control.mail_drafts WHERE draft_id = $1 FOR UPDATE`,
);

/** After its approval, where it has one: everybody takes the two in that order. */
export async function lockDraft(tx: Tx, draftId: string): Promise<Draft | undefined> {
  const [row] = await tx.query<DraftRow>(LOCK, [draftId]);
  return row === undefined ? undefined : draftOf(row);
}

const LOCK_BY_APPROVAL = statement(
  "mail_drafts.lock_by_approval",
  `SELECT ${COLUMNS} FROM control.mail_drafts WHERE approval_id = $1 FOR UPDATE`,
);

export async function lockDraftOf(tx: Tx, approvalId: string): Promise<Draft | undefined> {
  const [row] = await tx.query<DraftRow>(LOCK_BY_APPROVAL, [approvalId]);
  return row === undefined ? undefined : draftOf(row);
}

const LIST = statement(
  "mail_drafts.list",
  `SELECT ${COLUMNS} FROM control.mail_drafts
    WHERE org = $1 AND user_id = $2 AND draft_id < $3 ORDER BY draft_id DESC LIMIT $4`,
);

/** Newest first, from below an id. */
export async function listDrafts(
  q: Queryable,
  org: string,
  userId: string,
  before: string,
  limit: number,
): Promise<Draft[]> {
  return (await q.query<DraftRow>(LIST, [org, userId, before, limit])).map(draftOf);
}

export function insertDraft(draft: Draft): Write {
  return {
    name: "mail_drafts.insert",
    text: `INSERT INTO control.mail_drafts (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
             $14, $15, $16, $17, $18, $19, $20, $21)`,
    values: [
      draft.draftId,
      draft.org,
      draft.userId,
      draft.mailboxId,
      draft.threadId ?? null,
      draft.remoteThread ?? null,
      draft.inReplyTo ?? null,
      draft.references,
      draft.from,
      draft.to,
      draft.subject,
      draft.body,
      draft.version,
      draft.status,
      draft.authoredBy,
      draft.approvalId ?? null,
      draft.createdAtMs,
      draft.updatedAtMs,
      draft.sentAtMs ?? null,
      draft.detail ?? null,
      draft.receiptId ?? null,
    ],
  };
}

export function updateWords(draft: Draft): Write {
  return {
    name: "mail_drafts.update_words",
    text: `UPDATE control.mail_drafts SET to_addresses = $2, subject = $3, body = $4, version = $5, authored_by = $6,
             approval_id = $7, updated_at_ms = $8
            WHERE draft_id = $1 AND status = 'waiting'`,
    values: [
      draft.draftId,
      draft.to,
      draft.subject,
      draft.body,
      draft.version,
      draft.authoredBy,
      draft.approvalId ?? null,
      draft.updatedAtMs,
    ],
  };
}

export function markDraftDecided(draft: Draft): Write {
  return {
    name: "mail_drafts.mark_decided",
    text: `UPDATE control.mail_drafts SET status = $2, receipt_id = $3, updated_at_ms = $4, detail = $5
            WHERE draft_id = $1 AND status = 'waiting'`,
    values: [draft.draftId, draft.status, draft.receiptId, draft.updatedAtMs, draft.detail ?? null],
  };
}

export function markDraftEnded(
  draftId: string,
  end: {
    readonly status: "succeeded" | "failed";
    readonly detail: string | undefined;
    readonly atMs: number;
  },
): Write {
  return {
    name: "mail_drafts.mark_ended",
    text: `UPDATE control.mail_drafts SET status = $2, detail = $3, updated_at_ms = $4,
             sent_at_ms = CASE WHEN $2 = 'succeeded' THEN $4::bigint END
            WHERE draft_id = $1 AND status = 'pending'`,
    values: [draftId, end.status, end.detail ?? null, end.atMs],
  };
}
