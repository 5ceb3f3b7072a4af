// Checks that the treasury's own tables tell what the ledger's transfers tell.
// One statement, so that all checks see one snapshot.

import type { AuditCheck } from "@openagents/ledger";
import { statement, type Queryable } from "@openagents/postgres";

const SHOWN_MAX = 5;

const AUDIT = statement(
  "treasury.audit",
  `WITH ends AS (
     SELECT r.reservation_id, r.status, r.amount_msats, p.amount AS pending, p.expires_at_ms AS pending_until,
            r.expires_at_ms, e.kind, e.amount AS ended_by
       FROM runtime.reservations r
       LEFT JOIN ledger.transfers p ON p.id = r.reservation_id AND p.kind = 'pending'
       LEFT JOIN ledger.transfers e ON e.pending_id = r.reservation_id),
   shares AS (
     SELECT s.job_id, s.status, s.provider_msats + s.second_opinion_msats + s.operator_fee_msats AS settled,
            s.provider_msats, s.second_opinion_msats, s.operator_fee_msats,
            COALESCE(p.amount, 0) AS to_provider, COALESCE(o.amount, 0) AS to_second,
            COALESCE(f.amount, 0) AS to_operator, COALESCE(e.posted, 0) AS posted, r.amount_msats
       FROM runtime.settlements s
       JOIN runtime.reservations r USING (reservation_id)
       LEFT JOIN ledger.transfers p ON p.id = s.job_id || ':provider'
       LEFT JOIN ledger.transfers o ON o.id = s.job_id || ':second'
       LEFT JOIN ledger.transfers f ON f.id = s.job_id || ':fee'
       LEFT JOIN LATERAL (
         SELECT amount AS posted FROM ledger.transfers
          WHERE pending_id = s.reservation_id AND kind = 'post') AS e ON true),
   violations AS (
     SELECT 'reservations_are_pending_transfers' AS name, reservation_id AS what FROM ends
      WHERE pending IS DISTINCT FROM amount_msats OR pending_until IS DISTINCT FROM expires_at_ms
         OR CASE status
              WHEN 'reserved' THEN kind IS NOT NULL
              WHEN 'voided' THEN kind IS DISTINCT FROM 'void'
              WHEN 'expired' THEN kind IS DISTINCT FROM 'expire'
              WHEN 'released' THEN kind IS DISTINCT FROM 'post'
              ELSE kind IS NULL OR kind NOT IN ('post', 'void')
            END
     UNION ALL
     SELECT 'pending_transfers_are_reservations', t.id FROM ledger.transfers t
      WHERE t.kind = 'pending' AND NOT EXISTS (
        SELECT FROM runtime.reservations r WHERE r.reservation_id = t.id)
     UNION ALL
     SELECT 'settlements_are_transfers', job_id FROM shares
      WHERE (provider_msats, second_opinion_msats, operator_fee_msats)
              IS DISTINCT FROM (to_provider, to_second, to_operator)
         OR settled <> posted OR settled > amount_msats
     UNION ALL
     SELECT 'budgets_equal_their_entries', c.budget_id
       FROM runtime.budget_counters c
       LEFT JOIN (
         SELECT budget_id, period_start_ms,
                sum(amount_msats) FILTER (WHERE spent_msats IS NULL) AS reserved, sum(spent_msats) AS spent
           FROM runtime.budget_entries GROUP BY 1, 2) AS e USING (budget_id, period_start_ms)
      WHERE (c.reserved_msats, c.spent_msats) IS DISTINCT FROM (COALESCE(e.reserved, 0), COALESCE(e.spent, 0))
     UNION ALL
     SELECT 'budget_entries_follow_reservations', e.reservation_id
       FROM runtime.budget_entries e JOIN ends r USING (reservation_id)
      WHERE e.amount_msats <> r.amount_msats OR (e.spent_msats IS NULL) <> (r.status = 'reserved')
         OR (e.spent_msats IS NOT NULL AND e.spent_msats <> CASE r.kind WHEN 'post' THEN r.ended_by ELSE 0 END)
     UNION ALL
     SELECT 'statements_follow_settlements', s.job_id
       FROM runtime.settlements s
       LEFT JOIN (
         SELECT settled_job_id, sum(earned_msats) AS earned, sum(operator_fee_msats) AS fees
           FROM runtime.statement_lines GROUP BY 1) AS l ON l.settled_job_id = s.job_id
      WHERE (s.provider_msats + s.second_opinion_msats, s.operator_fee_msats) IS DISTINCT FROM (l.earned, l.fees)
     UNION ALL
     SELECT 'statements_end_in_balances', job_id
       FROM (SELECT job_id, balance_msats,
                    sum(earned_msats) OVER (PARTITION BY org ORDER BY booked_at_ms, seq) AS earned
               FROM runtime.statement_lines) AS l
      WHERE balance_msats <> earned
     UNION ALL
     SELECT 'statements_end_in_balances', a.id
       FROM ledger.accounts a
       LEFT JOIN (SELECT org, sum(earned_msats) AS earned FROM runtime.statement_lines GROUP BY 1) AS l
         ON l.org = a.owner
      WHERE a.kind = 'provider_earnings' AND a.credits_posted - a.debits_posted <> COALESCE(l.earned, 0))
   SELECT name, count(*) AS found, (array_agg(what ORDER BY what))[1:${SHOWN_MAX}] AS shown
     FROM violations GROUP BY name`,
);

const CHECKS: readonly (readonly [string, string])[] = [
  ["reservations_are_pending_transfers", "every reservation is a pending transfer, and ended as that did"],
  ["pending_transfers_are_reservations", "no money is held for nothing"],
  ["settlements_are_transfers", "what was settled is what was transferred, and the rest went back"],
  ["budgets_equal_their_entries", "every budget's counters are the sum of what was reserved and spent"],
  ["budget_entries_follow_reservations", "budgets count what the reservations came to"],
  ["statements_follow_settlements", "statements tell what was settled, and the fees"],
  ["statements_end_in_balances", "every statement adds up to its account"],
];

/** Run every check over all that there is: as long as the history. */
export async function auditTreasury(q: Queryable): Promise<AuditCheck[]> {
  type Row = { name: string; found: bigint; shown: string[] };
  const rows = new Map((await q.query<Row>(AUDIT)).map((row) => [row.name, row]));
  return CHECKS.map(([name, meaning]) => {
    const row = rows.get(name);
    if (row === undefined) return { name, ok: true, detail: meaning };
    return { name, ok: false, detail: `${row.found} violations: ${row.shown.join(", ")}` };
  });
}
