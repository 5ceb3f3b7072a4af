import type { MailboxStatus } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { MailProvider } from "../integrations/index.ts";
import type { Mailbox } from "./mailbox.ts";

type MailboxRow = {
  mailbox_id: string;
  org: string;
  user_id: string;
  provider: MailProvider;
  address: string;
  status: MailboxStatus;
  synced_at_ms: bigint | null;
  asked_at_ms: bigint;
  connected_at_ms: bigint;
  receipt_id: string;
};

const COLUMNS =
  "mailbox_id, org, user_id, provider, address, status, synced_at_ms, asked_at_ms, connected_at_ms, receipt_id";

function mailboxOf(row: MailboxRow): Mailbox {
  return {
    mailboxId: row.mailbox_id,
    org: row.org,
    userId: row.user_id,
    provider: row.provider,
    address: row.address,
    status: row.status,
    syncedAtMs: row.synced_at_ms === null ? undefined : Number(row.synced_at_ms),
    askedAtMs: Number(row.asked_at_ms),
    connectedAtMs: Number(row.connected_at_ms),
    receiptId: row.receipt_id,
  };
}

const LIST = statement(
  "mailboxes.list",
  `SELECT ${COLUMNS} FROM control.mailboxes WHERE org = $1 AND user_id = $2 ORDER BY provider`,
);

/** One of each provider, at most. */
export async function listMailboxes(q: Queryable, org: string, userId: string): Promise<Mailbox[]> {
  return (await q.query<MailboxRow>(LIST, [org, userId])).map(mailboxOf);
}

const LIST_DUE = statement(
  "mailboxes.list_due",
  `SELECT ${COLUMNS} FROM control.mailboxes WHERE asked_at_ms < $1 ORDER BY asked_at_ms LIMIT $2`,
);

/** Those that were not asked since, whoever's they are; the longest ago first. */
export async function listDueMailboxes(q: Queryable, sinceMs: number, limit: number): Promise<Mailbox[]> {
  return (await q.query<MailboxRow>(LIST_DUE, [sinceMs, limit])).map(mailboxOf);
}

const FIND = statement("mailboxes.find", `SELECT ${COLUMNS} FROM control.mailboxes WHERE mailbox_id = $1`);

export async function findMailbox(q: Queryable, mailboxId: string): Promise<Mailbox | undefined> {
  const [row] = await q.query<MailboxRow>(FIND, [mailboxId]);
  return row === undefined ? undefined : mailboxOf(row);
}

const LOCK = statement(
  "mailboxes.lock",
  `SELECT ${COLUMNS} FROM control.mailboxes WHERE mailbox_id = $1 FOR UPDATE`,
);

export async function lockMailbox(tx: Tx, mailboxId: string): Promise<Mailbox | undefined> {
  const [row] = await tx.query<MailboxRow>(LOCK, [mailboxId]);
  return row === undefined ? undefined : mailboxOf(row);
}

// One that is not there yet has no row to lock.
const LOCK_PERSON = statement(
  "mailboxes.lock_person",
  "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 49))::text AS locked",
);

/** The person's mailboxes; until the transaction's end nobody else connects one for them. */
export async function lockMailboxes(tx: Tx, org: string, userId: string): Promise<Mailbox[]> {
  await tx.query(LOCK_PERSON, [org, userId]);
  return listMailboxes(tx, org, userId);
}

/** In place of the one that the person had at the provider; another address takes nothing over from it. */
export function upsertMailbox(mailbox: Mailbox): Write {
  return {
    name: "mailboxes.upsert",
    text: `INSERT INTO control.mailboxes (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (mailbox_id) DO UPDATE SET status = excluded.status, asked_at_ms = excluded.asked_at_ms,
             connected_at_ms = excluded.connected_at_ms, receipt_id = excluded.receipt_id`,
    values: [
      mailbox.mailboxId,
      mailbox.org,
      mailbox.userId,
      mailbox.provider,
      mailbox.address,
      mailbox.status,
      mailbox.syncedAtMs ?? null,
      mailbox.askedAtMs,
      mailbox.connectedAtMs,
      mailbox.receiptId,
    ],
  };
}

export function markMailboxAsked(mailboxId: string, status: MailboxStatus, nowMs: number): Write {
  return {
    name: "mailboxes.mark_asked",
    text: `UPDATE control.mailboxes SET status = $2, asked_at_ms = $3,
             synced_at_ms = CASE WHEN $2 = 'works' THEN $3 ELSE synced_at_ms END
            WHERE mailbox_id = $1`,
    values: [mailboxId, status, nowMs],
  };
}

/** Those of a person who is no member any more, with all that was read from them, and their secrets. */
export function deleteMailboxesOf(org: string, userId: string): Write[] {
  return [
    {
      name: "mailboxes.delete_of",
      text: "DELETE FROM control.mailboxes WHERE org = $1 AND user_id = $2",
      values: [org, userId],
    },
    {
      name: "mailboxes.delete_secrets_of",
      text: "DELETE FROM control.integrations WHERE org = $1 AND owner = $2",
      values: [org, userId],
    },
  ];
}

const DELETE = statement("mailboxes.delete", "DELETE FROM control.mailboxes WHERE mailbox_id = $1");

/** With all that was read from it. At once, so that another may take its place in the same transaction. */
export async function deleteMailbox(tx: Tx, mailboxId: string): Promise<void> {
  await tx.query(DELETE, [mailboxId]);
}
