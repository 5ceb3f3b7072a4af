import type { JobPurpose, ProviderStatementLine } from "@openagents/contracts";
import { statement, type Queryable, type Write } from "@openagents/postgres";
import type { LinePage, ListedLine } from "./page.ts";
import type { StatementLine } from "./statement-line.ts";
import { describeWithheld } from "./withheld-words.ts";

/** The lines of one settlement; the accounts that they are about are locked. */
export function insertStatementLines(
  settledJobId: string,
  lines: readonly StatementLine[],
  nowMs: number,
): Write {
  return {
    name: "statement_lines.insert",
    text: `INSERT INTO runtime.statement_lines (job_id, org, worker_id, quoted_msats, earned_msats,
             operator_fee_msats, withheld_reason, balance_msats, settled_job_id, booked_at_ms)
           SELECT n.job_id, n.org, n.worker_id, n.quoted, n.earned, n.fee, n.reason, n.balance, $9::text,
                  GREATEST($10::bigint,
                    (SELECT max(l.booked_at_ms) FROM runtime.statement_lines l WHERE l.org = n.org))
             FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
                         $7::text[], $8::bigint[]) WITH ORDINALITY
                    AS n (job_id, org, worker_id, quoted, earned, fee, reason, balance, nth)
            ORDER BY n.nth`,
    values: [
      lines.map((line) => line.jobId),
      lines.map((line) => line.org),
      lines.map((line) => line.workerId),
      lines.map((line) => line.quotedMsats),
      lines.map((line) => line.earnedMsats),
      lines.map((line) => line.operatorFeeMsats),
      lines.map((line) => line.withheldReason ?? null),
      lines.map((line) => line.balanceMsats),
      settledJobId,
      nowMs,
    ],
  };
}

type Row = {
  job_id: string;
  purpose: JobPurpose;
  worker_id: string;
  quoted_msats: bigint;
  earned_msats: bigint;
  operator_fee_msats: bigint;
  withheld_reason: string | null;
  balance_msats: bigint;
  booked_at_ms: bigint;
  seq: bigint;
};

const LIST = statement(
  "statement_lines.list",
  `SELECT l.job_id, j.purpose, l.worker_id, l.quoted_msats, l.earned_msats, l.operator_fee_msats,
          l.withheld_reason, l.balance_msats, l.booked_at_ms, l.seq
     FROM runtime.statement_lines l JOIN runtime.jobs j USING (job_id)
    WHERE l.org = $1 AND l.booked_at_ms >= $2 AND (l.booked_at_ms, l.seq) < ($3, $4)
    ORDER BY l.booked_at_ms DESC, l.seq DESC LIMIT $5`,
);

/** Newest first. */
export async function listProviderLines(
  q: Queryable,
  org: string,
  page: LinePage,
): Promise<ListedLine<ProviderStatementLine>[]> {
  const values = [org, page.fromMs, page.before.atMs, page.before.key, page.limit];
  const rows = await q.query<Row>(LIST, values);
  return rows.map((row) => ({
    line: messageOf(row),
    place: { atMs: Number(row.booked_at_ms), key: String(row.seq) },
  }));
}

function messageOf(row: Row): ProviderStatementLine {
  const reason = row.withheld_reason ?? undefined;
  return {
    jobId: row.job_id,
    purpose: row.purpose,
    workerId: row.worker_id,
    quotedMsats: row.quoted_msats,
    earnedMsats: row.earned_msats,
    operatorFeeMsats: row.operator_fee_msats,
    withheldReason: reason,
    withheldBecause: reason === undefined ? undefined : describeWithheld(reason),
    balanceMsats: row.balance_msats,
    bookedAt: Number(row.booked_at_ms),
  };
}
