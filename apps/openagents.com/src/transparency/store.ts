import {
  PLACE_COLUMNS,
  placeOf,
  type NextPlace,
  type OfferedPlace,
  type PlaceRow,
} from "@openagents/authority";
import { statement, type Queryable } from "@openagents/postgres";

const PLACE = statement("log_handover.place", `SELECT ${PLACE_COLUMNS} FROM control.log_handover`);

export async function getHandoverPlace(q: Queryable): Promise<OfferedPlace> {
  const [row] = await q.query<PlaceRow>(PLACE);
  if (row === undefined) throw new Error("there is no place up to which receipts were handed over");
  return placeOf(row);
}

const MARK = statement(
  "log_handover.mark",
  `UPDATE control.log_handover
      SET seen = $1::text::pg_snapshot, taking = $2::text::pg_snapshot, after_xid = $3::text::xid8,
          after_seq = $4::bigint, handed_over_at_ms = $5`,
);

export async function markHandedOver(q: Queryable, { seen, after }: NextPlace, nowMs: number): Promise<void> {
  const { taking = null, xid = null, seq = null } = after ?? {};
  await q.query(MARK, [seen, taking, xid, seq, nowMs]);
}
