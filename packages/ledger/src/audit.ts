// Checks the ledger's invariants over all accounts and transfers, from the
// transfers alone. One statement, so that all checks see one snapshot.

import { statement, type Queryable } from "@openagents/postgres";

export type AuditCheck = { readonly name: string; readonly ok: boolean; readonly detail: string };

export type AuditReport = {
  readonly ok: boolean;
  readonly accounts: number;
  readonly transfers: number;
  readonly checks: readonly AuditCheck[];
};

const SHOWN_MAX = 5;

// `moves` are the effects of every transfer on the counters of both its
// accounts; a resolution takes the whole pending amount back.
const AUDIT = statement(
  "ledger.audit",
  `WITH moves AS (
     SELECT t.debit_account, t.credit_account, t.unit,
            CASE WHEN t.kind IN ('posted', 'post') THEN t.amount ELSE 0 END AS posted,
            CASE t.kind WHEN 'pending' THEN t.amount WHEN 'posted' THEN 0 ELSE -p.amount END AS pending
       FROM ledger.transfers t LEFT JOIN ledger.transfers p ON p.id = t.pending_id),
   entries AS (
     SELECT debit_account AS id, posted AS dp, 0::bigint AS cp, pending AS dn, 0::bigint AS cn FROM moves
     UNION ALL SELECT credit_account, 0, posted, 0, pending FROM moves),
   sums AS (
     SELECT id, sum(dp) AS dp, sum(cp) AS cp, sum(dn) AS dn, sum(cn) AS cn FROM entries GROUP BY id),
   violations AS (
     SELECT 'sum_zero_per_unit' AS name, unit AS what
       FROM ledger.accounts GROUP BY unit
      HAVING sum(credits_posted) <> sum(debits_posted) OR sum(credits_pending) <> sum(debits_pending)
     UNION ALL
     SELECT 'balances_equal_entries', a.id
       FROM ledger.accounts a LEFT JOIN sums s USING (id)
      WHERE (a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending)
            IS DISTINCT FROM (COALESCE(s.dp, 0), COALESCE(s.cp, 0), COALESCE(s.dn, 0), COALESCE(s.cn, 0))
     UNION ALL
     SELECT 'no_account_below_floor', id FROM ledger.accounts
      WHERE credits_posted - debits_posted - debits_pending < floor
     UNION ALL
     SELECT 'no_negative_balance', id FROM ledger.accounts
      WHERE least(debits_posted, credits_posted, debits_pending, credits_pending) < 0
     UNION ALL
     SELECT 'units_agree', t.id
       FROM ledger.transfers t
       LEFT JOIN ledger.accounts d ON d.id = t.debit_account
       LEFT JOIN ledger.accounts c ON c.id = t.credit_account
      WHERE d.unit IS DISTINCT FROM t.unit OR c.unit IS DISTINCT FROM t.unit
     UNION ALL
     SELECT 'pending_resolved_at_most_once', pending_id FROM ledger.transfers
      WHERE pending_id IS NOT NULL GROUP BY pending_id HAVING count(*) > 1
     UNION ALL
     SELECT 'resolutions_fit_their_pending', t.id
       FROM ledger.transfers t LEFT JOIN ledger.transfers p ON p.id = t.pending_id
      WHERE t.kind IN ('post', 'void', 'expire')
        AND (p.kind IS DISTINCT FROM 'pending' OR t.amount > p.amount
             OR (t.kind <> 'post' AND t.amount <> p.amount)
             OR t.debit_account <> p.debit_account OR t.credit_account <> p.credit_account)
     UNION ALL
     SELECT 'every_transfer_names_its_receipt', t.id
       FROM ledger.transfers t LEFT JOIN authority.receipts r ON r.receipt_id = t.receipt_id
      WHERE r.receipt_id IS NULL)
   SELECT name, count(*) AS found, (array_agg(what ORDER BY what))[1:${SHOWN_MAX}] AS shown
     FROM violations GROUP BY name
   UNION ALL SELECT 'accounts', count(*), NULL FROM ledger.accounts
   UNION ALL SELECT 'transfers', count(*), NULL FROM ledger.transfers`,
);

const CHECKS: readonly (readonly [string, string])[] = [
  ["sum_zero_per_unit", "what is credited was debited elsewhere, in every unit"],
  ["balances_equal_entries", "every balance is the sum of its transfers"],
  ["no_account_below_floor", "no account has passed its floor"],
  ["no_negative_balance", "no side of an account is negative, so nothing pending was released twice"],
  ["units_agree", "both accounts of every transfer have its unit"],
  ["pending_resolved_at_most_once", "no pending transfer was resolved twice"],
  ["resolutions_fit_their_pending", "no resolution exceeds or differs from its pending transfer"],
  ["every_transfer_names_its_receipt", "every transfer was caused by a stored receipt"],
];

/** Run every check. Needs the authority's receipts in the same database. */
export async function auditLedger(q: Queryable): Promise<AuditReport> {
  type Row = { name: string; found: bigint; shown: string[] | null };
  const rows = new Map((await q.query<Row>(AUDIT)).map((row) => [row.name, row]));
  const checks = CHECKS.map(([name, meaning]) => {
    const row = rows.get(name);
    if (row === undefined) return { name, ok: true, detail: meaning };
    return { name, ok: false, detail: `${row.found} violations: ${(row.shown ?? []).join(", ")}` };
  });
  return {
    ok: checks.every((check) => check.ok),
    accounts: Number(rows.get("accounts")?.found ?? 0n),
    transfers: Number(rows.get("transfers")?.found ?? 0n),
    checks,
  };
}
