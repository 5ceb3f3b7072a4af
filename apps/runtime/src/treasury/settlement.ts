import type { PayOn, Settlement as SettlementMessage, SettlementStatus } from "@openagents/contracts";
import { statement, type Queryable, type Write } from "@openagents/postgres";

export type Settlement = {
  readonly jobId: string;
  readonly org: string;
  readonly reservationId: string;
  readonly status: SettlementStatus;
  readonly payOn: PayOn;
  /** Credited to the provider; 0 when withheld. */
  readonly providerMsats: bigint;
  /** Credited to whoever repeated the run. */
  readonly secondOpinionMsats: bigint;
  readonly operatorFeeMsats: bigint;
  readonly withheldReason: string | undefined;
  readonly verificationReceiptId: string;
  readonly receiptId: string;
  readonly settledAtMs: number;
};

type SettlementRow = {
  job_id: string;
  org: string;
  reservation_id: string;
  status: SettlementStatus;
  provider_msats: bigint;
  operator_fee_msats: bigint;
  withheld_reason: string | null;
  verification_receipt_id: string;
  receipt_id: string;
  settled_at_ms: bigint;
  second_opinion_msats: bigint;
  pay_on: PayOn;
};

const COLUMNS = `job_id, org, reservation_id, status, provider_msats, operator_fee_msats, withheld_reason,
  verification_receipt_id, receipt_id, settled_at_ms, second_opinion_msats, pay_on`;

const LIST_RECENT = statement(
  "settlements.list_recent",
  `SELECT ${COLUMNS} FROM runtime.settlements WHERE org = $1 ORDER BY settled_at_ms DESC, job_id DESC LIMIT $2`,
);

/** Newest first. */
export async function listRecentSettlements(q: Queryable, org: string, limit: number): Promise<Settlement[]> {
  const rows = await q.query<SettlementRow>(LIST_RECENT, [org, limit]);
  return rows.map(settlementOf);
}

const FIND = statement("settlements.find", `SELECT ${COLUMNS} FROM runtime.settlements WHERE job_id = $1`);

export async function findSettlement(q: Queryable, jobId: string): Promise<Settlement | undefined> {
  const [row] = await q.query<SettlementRow>(FIND, [jobId]);
  return row === undefined ? undefined : settlementOf(row);
}

function settlementOf(row: SettlementRow): Settlement {
  return {
    jobId: row.job_id,
    org: row.org,
    reservationId: row.reservation_id,
    status: row.status,
    payOn: row.pay_on,
    providerMsats: row.provider_msats,
    secondOpinionMsats: row.second_opinion_msats,
    operatorFeeMsats: row.operator_fee_msats,
    withheldReason: row.withheld_reason ?? undefined,
    verificationReceiptId: row.verification_receipt_id,
    receiptId: row.receipt_id,
    settledAtMs: Number(row.settled_at_ms),
  };
}

export function insertSettlement(settlement: Settlement): Write {
  return {
    name: "settlements.insert",
    text: `INSERT INTO runtime.settlements (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    values: [
      settlement.jobId,
      settlement.org,
      settlement.reservationId,
      settlement.status,
      settlement.providerMsats,
      settlement.operatorFeeMsats,
      settlement.withheldReason ?? null,
      settlement.verificationReceiptId,
      settlement.receiptId,
      settlement.settledAtMs,
      settlement.secondOpinionMsats,
      settlement.payOn,
    ],
  };
}

export function settlementMessage(settlement: Settlement): SettlementMessage {
  return {
    jobId: settlement.jobId,
    reservationId: settlement.reservationId,
    status: settlement.status,
    payOn: settlement.payOn,
    providerMsats: settlement.providerMsats,
    secondOpinionMsats: settlement.secondOpinionMsats,
    operatorFeeMsats: settlement.operatorFeeMsats,
    withheldReason: settlement.withheldReason,
    verificationReceiptId: settlement.verificationReceiptId,
    settledAt: settlement.settledAtMs,
  };
}
