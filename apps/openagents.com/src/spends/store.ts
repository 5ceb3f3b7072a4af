import type { AutopilotSpendStatus } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { Periods, Spending } from "./decide-spend.ts";

export type Spend = {
  readonly spendId: string;
  readonly autopilotId: string;
  readonly status: AutopilotSpendStatus;
  readonly reservedMsats: bigint;
  readonly spentMsats: bigint | undefined;
  readonly purpose: string;
  readonly receiptId: string;
  readonly reservedAtMs: number;
};

type SpendRow = {
  spend_id: string;
  autopilot_id: string;
  status: AutopilotSpendStatus;
  reserved_msats: bigint;
  spent_msats: bigint | null;
  purpose: string;
  receipt_id: string;
  reserved_at_ms: bigint;
};

const COLUMNS = `spend_id, autopilot_id, status, reserved_msats, spent_msats, purpose, receipt_id, reserved_at_ms`;

const FIND = statement(
  "autopilot_spends.find",
  `SELECT ${COLUMNS} FROM control.autopilot_spends WHERE autopilot_id = $1 AND spend_id = $2`,
);

/** Under the autopilot's lock it stays as it is. */
export async function findSpend(tx: Tx, autopilotId: string, spendId: string): Promise<Spend | undefined> {
  const [row] = await tx.query<SpendRow>(FIND, [autopilotId, spendId]);
  if (row === undefined) return undefined;
  return {
    spendId: row.spend_id,
    autopilotId: row.autopilot_id,
    status: row.status,
    reservedMsats: row.reserved_msats,
    spentMsats: row.spent_msats ?? undefined,
    purpose: row.purpose,
    receiptId: row.receipt_id,
    reservedAtMs: Number(row.reserved_at_ms),
  };
}

const SPENDING = statement(
  "autopilot_spending.find",
  "SELECT period, msats FROM control.autopilot_spending WHERE autopilot_id = $1 AND period IN ($2, $3)",
);

/** Under the autopilot's lock it stays as it is. */
export async function findSpending(q: Queryable, autopilotId: string, periods: Periods): Promise<Spending> {
  const { day, month } = periods;
  const rows = await q.query<{ period: string; msats: bigint }>(SPENDING, [autopilotId, day, month]);
  const of = (period: string) => rows.find((row) => row.period === period)?.msats ?? 0n;
  return { dayMsats: of(day), monthMsats: of(month) };
}

export function insertSpend(spend: Spend): Write {
  return {
    name: "autopilot_spends.insert",
    text: `INSERT INTO control.autopilot_spends (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      spend.spendId,
      spend.autopilotId,
      spend.status,
      spend.reservedMsats,
      spend.spentMsats ?? null,
      spend.purpose,
      spend.receiptId,
      spend.reservedAtMs,
    ],
  };
}

export function markSpendEnded(spendId: string, spentMsats: bigint): Write {
  return {
    name: "autopilot_spends.end",
    text: "UPDATE control.autopilot_spends SET status = 'ended', spent_msats = $2 WHERE spend_id = $1",
    values: [spendId, spentMsats],
  };
}

/** More, of the day and the month in which it is reserved. */
export function addSpending(autopilotId: string, { day, month }: Periods, msats: bigint): Write {
  return {
    name: "autopilot_spending.add",
    text: `INSERT INTO control.autopilot_spending AS s (autopilot_id, period, msats)
           VALUES ($1, $2, $4), ($1, $3, $4)
           ON CONFLICT (autopilot_id, period) DO UPDATE SET msats = s.msats + excluded.msats`,
    values: [autopilotId, day, month, msats],
  };
}

/** Less, of what was reserved and not spent. */
export function freeSpending(autopilotId: string, { day, month }: Periods, msats: bigint): Write {
  return {
    name: "autopilot_spending.free",
    text: `UPDATE control.autopilot_spending SET msats = msats - $4
            WHERE autopilot_id = $1 AND period IN ($2, $3)`,
    values: [autopilotId, day, month, msats],
  };
}
