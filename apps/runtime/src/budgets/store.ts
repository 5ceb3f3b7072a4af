import type { BudgetLevel, BudgetPeriod } from "@openagents/contracts";
import { statement, type Queryable, type RowsWrite, type Tx, type Write } from "@openagents/postgres";
import type { Budget, CountedBudget } from "./budget.ts";
import type { Charge } from "./decide-spend.ts";

type CountedRow = {
  budget_id: string;
  org: string;
  level: BudgetLevel;
  subject: string;
  period: BudgetPeriod;
  limit_msats: bigint;
  removed_at_ms: bigint | null;
  receipt_id: string;
  created_at_ms: bigint;
  updated_at_ms: bigint;
  period_start_ms: bigint | null;
  reserved_msats: bigint | null;
  spent_msats: bigint | null;
};

const COLUMNS = `budget_id, org, level, subject, period, limit_msats, removed_at_ms, receipt_id,
  created_at_ms, updated_at_ms`;

const COUNTED = `SELECT ${COLUMNS.split(", ")
  .map((column) => `b.${column.trim()}`)
  .join(", ")}, c.period_start_ms, c.reserved_msats, c.spent_msats`;

/** The newest counter is the end of the primary key's range. */
const NEWEST = `LEFT JOIN LATERAL (
    SELECT period_start_ms, reserved_msats, spent_msats FROM runtime.budget_counters
     WHERE budget_id = b.budget_id ORDER BY period_start_ms DESC LIMIT 1) AS c ON true`;

function countedOf(row: CountedRow): CountedBudget {
  return {
    budget: {
      budgetId: row.budget_id,
      org: row.org,
      level: row.level,
      subject: row.subject,
      period: row.period,
      limitMsats: row.limit_msats,
      removedAtMs: row.removed_at_ms === null ? undefined : Number(row.removed_at_ms),
      receiptId: row.receipt_id,
      createdAtMs: Number(row.created_at_ms),
      updatedAtMs: Number(row.updated_at_ms),
    },
    newest:
      row.period_start_ms === null
        ? undefined
        : {
            periodStartMs: Number(row.period_start_ms),
            reservedMsats: row.reserved_msats ?? 0n,
            spentMsats: row.spent_msats ?? 0n,
          },
  };
}

// The widest limit first, and of one level the longest period: what a refusal tells of.
const LIST_APPLYING = statement(
  "budgets.list_applying",
  `${COUNTED}
     FROM (VALUES (1, 'org', ''), (2, 'project', $2::text), (3, 'run', $3::text)) AS wanted (rank, level, subject)
     JOIN runtime.budgets b ON b.org = $1 AND b.level = wanted.level AND b.subject = wanted.subject ${NEWEST}
    WHERE b.removed_at_ms IS NULL
    ORDER BY wanted.rank, array_position(ARRAY['none', 'month', 'week', 'day'], b.period)`,
);

/** Those that a spend of the organisation must fit, for a project and a run where it has them. */
export async function listApplyingBudgets(
  tx: Tx,
  org: string,
  project: string | undefined,
  runId: string | undefined,
): Promise<CountedBudget[]> {
  return (await tx.query<CountedRow>(LIST_APPLYING, [org, project ?? null, runId ?? null])).map(countedOf);
}

const LIST_ORG = statement(
  "budgets.list_org",
  `${COUNTED} FROM runtime.budgets b ${NEWEST}
    WHERE b.org = ANY($1::text[]) AND b.level = 'org' AND b.removed_at_ms IS NULL
    ORDER BY array_position(ARRAY['none', 'month', 'week', 'day'], b.period)`,
);

/** Those of whole organisations, which are all that apply to a spend without a run. */
export async function listOrgBudgets(tx: Tx, orgs: readonly string[]): Promise<CountedBudget[]> {
  return (await tx.query<CountedRow>(LIST_ORG, [orgs])).map(countedOf);
}

const FIND = statement(
  "budgets.find",
  `${COUNTED} FROM runtime.budgets b ${NEWEST}
    WHERE b.org = $1 AND b.budget_id = $2 AND b.removed_at_ms IS NULL`,
);

/** Undefined when it is another organisation's, or was removed. */
export async function findBudget(
  q: Queryable,
  org: string,
  budgetId: string,
): Promise<CountedBudget | undefined> {
  const [row] = await q.query<CountedRow>(FIND, [org, budgetId]);
  return row === undefined ? undefined : countedOf(row);
}

const LOCK_NAME = statement(
  "budgets.lock_name",
  "SELECT pg_advisory_xact_lock(hashtextextended($1, 30))::text AS locked",
);

const FIND_NAMED = statement(
  "budgets.find_named",
  `${COUNTED} FROM runtime.budgets b ${NEWEST}
    WHERE b.org = $1 AND b.level = $2 AND b.subject = $3 AND b.period = $4`,
);

export type BudgetName = Pick<Budget, "org" | "level" | "subject" | "period">;

/** The budget of a name, removed or not; until the transaction's end nobody else sets or removes it. */
export async function lockBudgetNamed(tx: Tx, name: BudgetName): Promise<CountedBudget | undefined> {
  const { org, level, subject, period } = name;
  const locking = tx.query(LOCK_NAME, [JSON.stringify([org, level, subject, period])]);
  const finding = tx.query<CountedRow>(FIND_NAMED, [org, level, subject, period]);
  const [, [row]] = await Promise.all([locking, finding]);
  return row === undefined ? undefined : countedOf(row);
}

const LIST = statement(
  "budgets.list",
  `${COUNTED} FROM runtime.budgets b ${NEWEST}
    WHERE b.org = $1 AND b.removed_at_ms IS NULL AND b.budget_id < $2 ORDER BY b.budget_id DESC LIMIT $3`,
);

const LIST_LEVEL = statement(
  "budgets.list_level",
  `${COUNTED} FROM runtime.budgets b ${NEWEST}
    WHERE b.org = $1 AND b.removed_at_ms IS NULL AND b.level = $4 AND b.budget_id < $2
    ORDER BY b.budget_id DESC LIMIT $3`,
);

/** Newest first. */
export async function listBudgets(
  q: Queryable,
  org: string,
  page: { readonly beforeId: string; readonly limit: number; readonly level: BudgetLevel | undefined },
): Promise<CountedBudget[]> {
  const values = [org, page.beforeId, page.limit];
  const rows =
    page.level === undefined
      ? await q.query<CountedRow>(LIST, values)
      : await q.query<CountedRow>(LIST_LEVEL, [...values, page.level]);
  return rows.map(countedOf);
}

export function upsertBudget(budget: Budget): Write {
  return {
    name: "budgets.upsert",
    text: `INSERT INTO runtime.budgets (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (budget_id) DO UPDATE
              SET limit_msats = excluded.limit_msats, removed_at_ms = excluded.removed_at_ms,
                  receipt_id = excluded.receipt_id, updated_at_ms = excluded.updated_at_ms`,
    values: [
      budget.budgetId,
      budget.org,
      budget.level,
      budget.subject,
      budget.period,
      budget.limitMsats,
      budget.removedAtMs ?? null,
      budget.receiptId,
      budget.createdAtMs,
      budget.updatedAtMs,
    ],
  };
}

/** Count a new reservation. The organisation's account must be locked. */
export function chargeWrites(reservationId: string, charges: readonly Charge[]): RowsWrite[] {
  if (charges.length === 0) return [];
  const columns = [
    charges.map((charge) => charge.budgetId),
    charges.map((charge) => charge.periodStartMs),
    charges.map((charge) => charge.amountMsats),
  ];
  return [
    {
      name: "budgets.charge_counters",
      text: `INSERT INTO runtime.budget_counters AS c (budget_id, period_start_ms, reserved_msats, spent_msats)
             SELECT budget_id, period_start_ms, sum(amount)::bigint, 0
               FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS charge (budget_id, period_start_ms, amount)
              GROUP BY 1, 2
             ON CONFLICT (budget_id, period_start_ms)
             DO UPDATE SET reserved_msats = c.reserved_msats + excluded.reserved_msats`,
      rows: true,
      values: columns,
    },
    {
      name: "budgets.insert_entries",
      text: `INSERT INTO runtime.budget_entries (budget_id, period_start_ms, amount_msats, reservation_id)
             SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])`,
      rows: true,
      values: [...columns, charges.map(() => reservationId)],
    },
  ];
}

/**
 * Count what ended reservations spent, and give the rest back to the periods that
 * they were counted in. The accounts of their organisations must be locked.
 */
export function endEntries(reservationIds: readonly string[], spentMsats: readonly bigint[]): Write[] {
  return [
    {
      name: "budgets.end_counters",
      text: `UPDATE runtime.budget_counters c
                SET reserved_msats = c.reserved_msats - ended.amount, spent_msats = c.spent_msats + ended.spent
               FROM (SELECT e.budget_id, e.period_start_ms,
                            sum(e.amount_msats)::bigint AS amount, sum(r.spent)::bigint AS spent
                       FROM unnest($1::text[], $2::bigint[]) AS r (reservation_id, spent)
                       JOIN runtime.budget_entries e USING (reservation_id)
                      WHERE e.spent_msats IS NULL GROUP BY 1, 2) AS ended
              WHERE c.budget_id = ended.budget_id AND c.period_start_ms = ended.period_start_ms`,
      values: [reservationIds, spentMsats],
    },
    {
      name: "budgets.end_entries",
      text: `UPDATE runtime.budget_entries e SET spent_msats = r.spent
               FROM unnest($1::text[], $2::bigint[]) AS r (reservation_id, spent)
              WHERE e.reservation_id = r.reservation_id AND e.spent_msats IS NULL`,
      values: [reservationIds, spentMsats],
    },
  ];
}
