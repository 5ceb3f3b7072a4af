import type { ApprovalKind, ApprovalStatus, JsonObject } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";
import type { Approval, Decided } from "./approval.ts";

type ApprovalRow = {
  approval_id: string;
  org: string;
  user_id: string;
  kind: ApprovalKind;
  title: string;
  detail: string;
  facts: string;
  subject_sha256: string;
  amount_msats: bigint | null;
  requested_by: string;
  requested_at_ms: bigint;
  expires_at_ms: bigint;
  decision: "approved" | "rejected" | null;
  decided_by: string | null;
  decided_at_ms: bigint | null;
  answer: string | null;
  used_at_ms: bigint | null;
  expired_at_ms: bigint | null;
  receipt_id: string | null;
};

const COLUMNS = `approval_id, org, user_id, kind, title, detail, facts, subject_sha256, amount_msats, requested_by,
  requested_at_ms, expires_at_ms, decision, decided_by, decided_at_ms, answer, used_at_ms, expired_at_ms, receipt_id`;

function approvalOf(row: ApprovalRow): Approval {
  return {
    approvalId: row.approval_id,
    org: row.org,
    userId: row.user_id,
    kind: row.kind,
    title: row.title,
    detail: row.detail,
    facts: JSON.parse(row.facts) as JsonObject,
    subjectSha256: row.subject_sha256,
    amountMsats: row.amount_msats ?? undefined,
    requestedBy: row.requested_by,
    requestedAtMs: Number(row.requested_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    decision: decidedOf(row),
    usedAtMs: row.used_at_ms === null ? undefined : Number(row.used_at_ms),
    expiredAtMs: row.expired_at_ms === null ? undefined : Number(row.expired_at_ms),
  };
}

function decidedOf({
  decision,
  decided_by,
  decided_at_ms,
  answer,
  receipt_id,
}: ApprovalRow): Decided | undefined {
  if (decision === null || decided_by === null || decided_at_ms === null || receipt_id === null)
    return undefined;
  return {
    kind: decision,
    by: decided_by,
    atMs: Number(decided_at_ms),
    answer: answer ?? undefined,
    receiptId: receipt_id,
  };
}

const FIND = statement("approvals.find", `SELECT ${COLUMNS} FROM control.approvals WHERE approval_id = $1`);

export async function findApproval(q: Queryable, approvalId: string): Promise<Approval | undefined> {
  const [row] = await q.query<ApprovalRow>(FIND, [approvalId]);
  return row === undefined ? undefined : approvalOf(row);
}

const LOCK = statement(
  "approvals.lock",
  `SELECT ${COLUMNS} FROM control.approvals WHERE approval_id = $1 FOR UPDATE`,
);

export async function lockApproval(tx: Tx, approvalId: string): Promise<Approval | undefined> {
  const [row] = await tx.query<ApprovalRow>(LOCK, [approvalId]);
  return row === undefined ? undefined : approvalOf(row);
}

const LOCK_OVER = statement(
  "approvals.lock_over",
  `SELECT ${COLUMNS} FROM control.approvals
    WHERE decision IS NULL AND expired_at_ms IS NULL AND expires_at_ms <= $1
    ORDER BY expires_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED`,
);

/** Undecided ones whose time is over, and whose persons were not told so. */
export async function lockOverApprovals(tx: Tx, nowMs: number, limit: number): Promise<Approval[]> {
  return (await tx.query<ApprovalRow>(LOCK_OVER, [nowMs, limit])).map(approvalOf);
}

const PAGE = "user_id = $1 AND approval_id < $2";
const ORDER = "ORDER BY approval_id DESC LIMIT $3";

const LIST = statement("approvals.list", `SELECT ${COLUMNS} FROM control.approvals WHERE ${PAGE} ${ORDER}`);

const LIST_OPEN = statement(
  "approvals.list_open",
  `SELECT ${COLUMNS} FROM control.approvals
    WHERE ${PAGE} AND decision IS NULL AND (expires_at_ms > $4) = $5 ${ORDER}`,
);

const LIST_DECIDED = statement(
  "approvals.list_decided",
  `SELECT ${COLUMNS} FROM control.approvals
    WHERE ${PAGE} AND decision = $4 AND (used_at_ms IS NOT NULL) = $5 ${ORDER}`,
);

export type ApprovalPage = {
  readonly before: string;
  readonly limit: number;
  readonly status: ApprovalStatus | undefined;
  readonly nowMs: number;
};

/** For one person, newest first, from below an id. */
export async function listApprovals(q: Queryable, userId: string, page: ApprovalPage): Promise<Approval[]> {
  const values = [userId, page.before, page.limit];
  return (await rowsOf(q, values, page)).map(approvalOf);
}

function rowsOf(
  q: Queryable,
  values: readonly unknown[],
  { status, nowMs }: ApprovalPage,
): Promise<ApprovalRow[]> {
  switch (status) {
    case undefined:
      return q.query(LIST, values);
    case "pending":
    case "expired":
      return q.query(LIST_OPEN, [...values, nowMs, status === "pending"]);
    case "approved":
    case "rejected":
      return q.query(LIST_DECIDED, [...values, status, false]);
    case "used":
      return q.query(LIST_DECIDED, [...values, "approved", true]);
  }
}

const LOCK_USER = statement(
  "approvals.lock_user",
  "SELECT pg_advisory_xact_lock(hashtextextended($1, 46))::text AS locked",
);

const COUNT_OPEN = statement(
  "approvals.count_open",
  `SELECT count(*)::integer AS open FROM control.approvals
    WHERE user_id = $1 AND decision IS NULL AND expires_at_ms > $2`,
);

/** How many requests wait for a person; until the transaction's end no more come by this way. */
export async function lockOpenApprovals(tx: Tx, userId: string, nowMs: number): Promise<number> {
  await tx.query(LOCK_USER, [userId]);
  const [row] = await tx.query<{ open: number }>(COUNT_OPEN, [userId, nowMs]);
  return row?.open ?? 0;
}

export function insertApproval(approval: Approval): Write {
  return {
    name: "approvals.insert",
    text: `INSERT INTO control.approvals (approval_id, org, user_id, kind, title, detail, facts, subject_sha256,
             amount_msats, requested_by, requested_at_ms, expires_at_ms)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    values: [
      approval.approvalId,
      approval.org,
      approval.userId,
      approval.kind,
      approval.title,
      approval.detail,
      canonicalize(approval.facts),
      approval.subjectSha256,
      approval.amountMsats ?? null,
      approval.requestedBy,
      approval.requestedAtMs,
      approval.expiresAtMs,
    ],
  };
}

/** `usedAtMs`: what was approved is begun by the decision itself. */
export function markApprovalDecided(
  approvalId: string,
  decided: Decided,
  usedAtMs: number | undefined,
): Write {
  return {
    name: "approvals.mark_decided",
    text: `UPDATE control.approvals SET decision = $2, decided_by = $3, decided_at_ms = $4, answer = $5, receipt_id = $6,
             used_at_ms = $7
            WHERE approval_id = $1 AND decision IS NULL`,
    values: [
      approvalId,
      decided.kind,
      decided.by,
      decided.atMs,
      decided.answer ?? null,
      decided.receiptId,
      usedAtMs ?? null,
    ],
  };
}

export function markApprovalsExpired(approvalIds: readonly string[], nowMs: number): Write {
  return {
    name: "approvals.mark_expired",
    text: "UPDATE control.approvals SET expired_at_ms = $2 WHERE approval_id = ANY ($1) AND decision IS NULL",
    values: [approvalIds, nowMs],
  };
}

export function markApprovalUsed(approvalId: string, nowMs: number): Write {
  return {
    name: "approvals.mark_used",
    text: "UPDATE control.approvals SET used_at_ms = $2 WHERE approval_id = $1 AND used_at_ms IS NULL",
    values: [approvalId, nowMs],
  };
}
