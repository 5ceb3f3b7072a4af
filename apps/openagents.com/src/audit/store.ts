import { statement, type Queryable, type Write } from "@openagents/postgres";

export type AuditEntry = {
  readonly entryId: string;
  readonly org: string;
  readonly occurredAtMs: number;
  readonly actor: string;
  readonly actingFor: string | undefined;
  readonly action: string;
  readonly subject: string;
  readonly details: Readonly<Record<string, string>>;
  readonly requestId: string | undefined;
  readonly receiptId: string | undefined;
};

type AuditRow = {
  entry_id: string;
  org: string;
  occurred_at_ms: bigint;
  actor: string;
  acting_for: string | null;
  action: string;
  subject: string;
  details: Record<string, string>;
  request_id: string | null;
  receipt_id: string | null;
};

const COLUMNS =
  "entry_id, org, occurred_at_ms, actor, acting_for, action, subject, details, request_id, receipt_id";

export function insertAuditEntry(entry: AuditEntry) {
  return {
    name: "audit.insert",
    text: `INSERT INTO control.audit_entries (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    values: [
      entry.entryId,
      entry.org,
      entry.occurredAtMs,
      entry.actor,
      entry.actingFor ?? null,
      entry.action,
      entry.subject,
      JSON.stringify(entry.details),
      entry.requestId ?? null,
      entry.receiptId ?? null,
    ],
  } satisfies Write;
}

// One statement for each filter, so that each walks an index of its own.
const LIST = list("all", "");
const LIST_OF_ACTOR = list("actor", "AND actor = $4");
const LIST_ABOUT = list("subject", "AND subject = $4");
const LIST_OF_ACTOR_ABOUT = list("actor_subject", "AND actor = $4 AND subject = $5");

function list(name: string, filter: string) {
  return statement(
    `audit.list_${name}`,
    `SELECT ${COLUMNS} FROM control.audit_entries
      WHERE org = $1 AND entry_id < $2 ${filter} ORDER BY entry_id DESC LIMIT $3`,
  );
}

/** Newest first. */
export async function listAuditEntries(
  q: Queryable,
  org: string,
  before: string,
  limit: number,
  filter: { readonly actor?: string | undefined; readonly subject?: string | undefined },
): Promise<AuditEntry[]> {
  const { actor, subject } = filter;
  const page = [org, before, limit];
  const rows =
    actor !== undefined && subject !== undefined
      ? await q.query<AuditRow>(LIST_OF_ACTOR_ABOUT, [...page, actor, subject])
      : actor !== undefined
        ? await q.query<AuditRow>(LIST_OF_ACTOR, [...page, actor])
        : subject !== undefined
          ? await q.query<AuditRow>(LIST_ABOUT, [...page, subject])
          : await q.query<AuditRow>(LIST, page);
  return rows.map((row) => ({
    entryId: row.entry_id,
    org: row.org,
    occurredAtMs: Number(row.occurred_at_ms),
    actor: row.actor,
    actingFor: row.acting_for ?? undefined,
    action: row.action,
    subject: row.subject,
    details: row.details,
    requestId: row.request_id ?? undefined,
    receiptId: row.receipt_id ?? undefined,
  }));
}
