import type { ReservationStatus } from "@openagents/contracts";
import { statement, type Queryable, type RowsWrite, type Tx, type Write } from "@openagents/postgres";
import { endEntries } from "../budgets/index.ts";
import type { Reservation } from "./reservation.ts";

type ReservationRow = {
  reservation_id: string;
  org: string;
  amount_msats: bigint;
  status: ReservationStatus;
  run_id: string | null;
  quote_id: string | null;
  receipt_id: string;
  created_at_ms: bigint;
  expires_at_ms: bigint | null;
};

const COLUMNS =
  "reservation_id, org, amount_msats, status, run_id, quote_id, receipt_id, created_at_ms, expires_at_ms";

function reservationOf(row: ReservationRow): Reservation {
  return {
    reservationId: row.reservation_id,
    org: row.org,
    amountMsats: row.amount_msats,
    status: row.status,
    runId: row.run_id ?? undefined,
    quoteId: row.quote_id ?? undefined,
    receiptId: row.receipt_id,
    createdAtMs: Number(row.created_at_ms),
    expiresAtMs: row.expires_at_ms === null ? undefined : Number(row.expires_at_ms),
  };
}

const FIND = statement(
  "reservations.find",
  `SELECT ${COLUMNS} FROM runtime.reservations WHERE org = $1 AND reservation_id = $2`,
);

export async function findReservation(q: Queryable, org: string, reservationId: string) {
  const [row] = await q.query<ReservationRow>(FIND, [org, reservationId]);
  return row === undefined ? undefined : reservationOf(row);
}

const LOCK = statement(
  "reservations.lock",
  `SELECT ${COLUMNS} FROM runtime.reservations WHERE org = $1 AND reservation_id = $2 FOR NO KEY UPDATE`,
);

/** Undefined when the organisation has no such reservation. */
export async function lockReservation(
  tx: Tx,
  org: string,
  reservationId: string,
): Promise<Reservation | undefined> {
  const [row] = await tx.query<ReservationRow>(LOCK, [org, reservationId]);
  return row === undefined ? undefined : reservationOf(row);
}

const FIND_OPEN_BY_QUOTE = statement(
  "reservations.find_open_by_quote",
  `SELECT ${COLUMNS} FROM runtime.reservations WHERE quote_id = $1 AND status <> 'voided'`,
);

export async function findReservationOfQuote(
  q: Queryable,
  quoteId: string,
): Promise<Reservation | undefined> {
  const [row] = await q.query<ReservationRow>(FIND_OPEN_BY_QUOTE, [quoteId]);
  return row === undefined ? undefined : reservationOf(row);
}

const LIST_HELD_WITHOUT_JOB = statement(
  "reservations.list_held_without_job",
  `SELECT reservation_id FROM runtime.reservations r
    WHERE run_id = $1 AND status = 'reserved'
      AND NOT EXISTS (SELECT 1 FROM runtime.jobs j WHERE j.reservation_id = r.reservation_id AND j.purpose = 'work')
    ORDER BY reservation_id LIMIT $2`,
);

/** Set aside for a run, and nothing was ordered for it. */
export async function listHeldWithoutJob(q: Queryable, runId: string, limit: number): Promise<string[]> {
  const rows = await q.query<{ reservation_id: string }>(LIST_HELD_WITHOUT_JOB, [runId, limit]);
  return rows.map((row) => row.reservation_id);
}

export function insertReservation(reservation: Reservation): RowsWrite {
  return {
    name: "reservations.insert",
    text: `INSERT INTO runtime.reservations (${COLUMNS})
           SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                                $7::text[], $8::bigint[], $9::bigint[])`,
    rows: true,
    values: [
      [reservation.reservationId],
      [reservation.org],
      [reservation.amountMsats],
      [reservation.status],
      [reservation.runId ?? null],
      [reservation.quoteId ?? null],
      [reservation.receiptId],
      [reservation.createdAtMs],
      [reservation.expiresAtMs ?? null],
    ],
  };
}

const LIST_DUE = statement(
  "reservations.list_due",
  `SELECT ${COLUMNS} FROM runtime.reservations
    WHERE status = 'reserved' AND expires_at_ms <= $1 AND (expires_at_ms, reservation_id) > ($2, $3)
    ORDER BY expires_at_ms, reservation_id LIMIT $4`,
);

/** Open reservations whose time is over at `nowMs`, the longest over first, those after `after`. */
export async function listDueReservations(
  q: Queryable,
  nowMs: number,
  after: { readonly expiresAtMs: number; readonly reservationId: string },
  limit: number,
): Promise<Reservation[]> {
  const values = [nowMs, after.expiresAtMs, after.reservationId, limit];
  return (await q.query<ReservationRow>(LIST_DUE, values)).map(reservationOf);
}

/** How a reservation ends, and what of it was spent. */
export type EndedReservation = {
  readonly reservationId: string;
  readonly status: Exclude<ReservationStatus, "reserved">;
  readonly spentMsats: bigint;
};

/**
 * End open reservations, and let their budgets count what was spent. Goes with the
 * transfers that move the money, in one statement for all of them: the accounts
 * of their organisations are locked, under which alone budgets count.
 */
export function endReservations(ended: readonly EndedReservation[]): Write[] {
  if (ended.length === 0) return [];
  const ids = ended.map((each) => each.reservationId);
  return [
    {
      name: "reservations.end",
      text: `UPDATE runtime.reservations r SET status = e.status
               FROM unnest($1::text[], $2::text[]) AS e (reservation_id, status)
              WHERE r.reservation_id = e.reservation_id`,
      values: [ids, ended.map((each) => each.status)],
    },
    ...endEntries(
      ids,
      ended.map((each) => each.spentMsats),
    ),
  ];
}
