import type { BuyerStatementLine } from "@openagents/contracts";
import { statement, type Queryable } from "@openagents/postgres";
import type { LinePage, ListedLine } from "./page.ts";
import { describeWithheld } from "./withheld-words.ts";

type Row = {
  job_id: string;
  run_id: string;
  reserved_msats: bigint;
  provider_msats: bigint;
  second_opinion_msats: bigint;
  operator_fee_msats: bigint;
  withheld_reason: string | null;
  receipt_id: string;
  settled_at_ms: bigint;
};

const LIST = statement(
  "settlements.list_statement",
  `SELECT s.job_id, j.run_id, r.amount_msats AS reserved_msats, s.provider_msats, s.second_opinion_msats,
          s.operator_fee_msats, s.withheld_reason, s.receipt_id, s.settled_at_ms
     FROM runtime.settlements s
     JOIN runtime.jobs j USING (job_id)
     JOIN runtime.reservations r ON r.reservation_id = s.reservation_id
    WHERE s.org = $1 AND s.settled_at_ms >= $2 AND (s.settled_at_ms, s.job_id) < ($3, $4)
    ORDER BY s.settled_at_ms DESC, s.job_id DESC LIMIT $5`,
);

/** Newest first. */
export async function listBuyerLines(
  q: Queryable,
  org: string,
  page: LinePage,
): Promise<ListedLine<BuyerStatementLine>[]> {
  const values = [org, page.fromMs, page.before.atMs, page.before.key, page.limit];
  const rows = await q.query<Row>(LIST, values);
  return rows.map((row) => ({
    line: messageOf(row),
    place: { atMs: Number(row.settled_at_ms), key: row.job_id },
  }));
}

function messageOf(row: Row): BuyerStatementLine {
  const reason = row.withheld_reason ?? undefined;
  const spentMsats = row.provider_msats + row.second_opinion_msats + row.operator_fee_msats;
  return {
    jobId: row.job_id,
    runId: row.run_id,
    reservedMsats: row.reserved_msats,
    providerMsats: row.provider_msats,
    secondOpinionMsats: row.second_opinion_msats,
    operatorFeeMsats: row.operator_fee_msats,
    returnedMsats: row.reserved_msats - spentMsats,
    withheldReason: reason,
    withheldBecause: reason === undefined ? undefined : describeWithheld(reason),
    receiptId: row.receipt_id,
    settledAt: Number(row.settled_at_ms),
  };
}
