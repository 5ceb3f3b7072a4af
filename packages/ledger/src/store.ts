import { statement, type Queryable, type RowsWrite, type Tx } from "@openagents/postgres";
import type { Account, NewAccount, Transfer, TransferKind, TransferRequest } from "./ledger.ts";
import type { Loaded, Posting } from "./plan-transfers.ts";

type AccountRow = {
  id: string;
  unit: string;
  owner: string;
  kind: string;
  debits_posted: bigint;
  credits_posted: bigint;
  debits_pending: bigint;
  credits_pending: bigint;
  floor: bigint | null;
};

const ACCOUNT_COLUMNS =
  "id, unit, owner, kind, debits_posted, credits_posted, debits_pending, credits_pending, floor";

function accountOf(row: AccountRow): Account {
  return {
    id: row.id,
    unit: row.unit,
    owner: row.owner,
    kind: row.kind,
    debitsPosted: row.debits_posted,
    creditsPosted: row.credits_posted,
    debitsPending: row.debits_pending,
    creditsPending: row.credits_pending,
    floor: row.floor,
  };
}

type TransferRow = {
  id: string;
  kind: TransferKind;
  debit_account: string;
  credit_account: string;
  amount: bigint;
  unit: string;
  pending_id: string | null;
  expires_at_ms: bigint | null;
};

const TRANSFER_COLUMNS = "id, kind, debit_account, credit_account, amount, unit, pending_id, expires_at_ms";

function transferOf(row: TransferRow): Transfer {
  return {
    id: row.id,
    kind: row.kind,
    debitAccount: row.debit_account,
    creditAccount: row.credit_account,
    amount: row.amount,
    unit: row.unit,
    ...(row.pending_id === null ? {} : { pendingId: row.pending_id }),
    ...(row.expires_at_ms === null ? {} : { expiresAtMs: Number(row.expires_at_ms) }),
  };
}

const OPEN_ACCOUNTS = statement(
  "ledger.open_accounts",
  `INSERT INTO ledger.accounts (id, unit, owner, kind, floor, created_at_ms)
   SELECT *, $6::bigint FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
   ORDER BY 1
   ON CONFLICT DO NOTHING`,
);

// In the order of their ids, so that two transfers over the same accounts never
// wait for each other in a ring. No key changes, so the weaker lock is enough.
const LOCK_ACCOUNTS = statement(
  "ledger.lock_accounts",
  `SELECT ${ACCOUNT_COLUMNS} FROM ledger.accounts WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE`,
);

const FIND_TRANSFERS = statement(
  "ledger.find_transfers",
  `SELECT ${TRANSFER_COLUMNS} FROM ledger.transfers WHERE id = ANY($1::text[])`,
);

const FIND_RESOLUTIONS = statement(
  "ledger.find_resolutions",
  `SELECT ${TRANSFER_COLUMNS} FROM ledger.transfers WHERE id = ANY($1::text[]) OR pending_id = ANY($2::text[])`,
);

/**
 * Lock the accounts of the requests and those in `open`, and load what deciding
 * them needs, in one round trip. Those in `open` are made first where they are
 * missing; throws when one of them stands with other fields. The transfers are read after the
 * locks are held, by a statement of its own, since a snapshot from before the
 * wait would miss what the others just did.
 *
 * The locks make all transfers between the same accounts take turns. Two
 * transactions that use one new transfer id for different accounts do not meet
 * here: the later one fails at `transfers_pkey` and, run again, sees the first.
 */
export async function loadForTransfers(
  tx: Tx,
  requests: readonly TransferRequest[],
  nowMs: number,
  open: readonly NewAccount[] = [],
): Promise<Loaded> {
  const accountIds = [
    ...requests.flatMap((request) => [request.debitAccount, request.creditAccount]),
    ...open.map((account) => account.id),
  ];
  const ids = requests.map((request) => request.id);
  const pendingIds = requests.flatMap((request) =>
    request.pendingId === undefined ? [] : [request.pendingId],
  );
  const opening = open.length === 0 ? undefined : openAccounts(tx, open, nowMs);
  const locking = tx.query<AccountRow>(LOCK_ACCOUNTS, [[...new Set(accountIds)]]);
  const finding =
    pendingIds.length === 0
      ? tx.query<TransferRow>(FIND_TRANSFERS, [ids])
      : tx.query<TransferRow>(FIND_RESOLUTIONS, [[...ids, ...pendingIds], pendingIds]);
  const [, accounts, transfers] = await Promise.all([opening, locking, finding]);
  const resolved = transfers.flatMap((row) => (row.pending_id === null ? [] : [row.pending_id]));
  const accountsById = new Map(accounts.map((row) => [row.id, accountOf(row)]));
  for (const wanted of open) assertSameAccount(wanted, accountsById.get(wanted.id));
  return {
    accounts: accountsById,
    transfers: new Map(transfers.map((row) => [row.id, transferOf(row)])),
    resolved: new Set(resolved),
  };
}

async function openAccounts(tx: Tx, accounts: readonly NewAccount[], nowMs: number): Promise<void> {
  await tx.query(OPEN_ACCOUNTS, [
    accounts.map((account) => account.id),
    accounts.map((account) => account.unit),
    accounts.map((account) => account.owner),
    accounts.map((account) => account.kind),
    accounts.map((account) => account.floor),
    nowMs,
  ]);
}

/** An id is one account for ever. */
function assertSameAccount(wanted: NewAccount, found: Account | undefined): void {
  if (found === undefined) return;
  const { unit, owner, kind, floor } = found;
  if (unit === wanted.unit && owner === wanted.owner && kind === wanted.kind && floor === wanted.floor)
    return;
  throw new Error(
    `account ${wanted.id} stands with unit ${unit}, owner ${owner}, kind ${kind}, floor ${floor}; ` +
      `asked for ${wanted.unit}, ${wanted.owner}, ${wanted.kind}, ${wanted.floor}`,
  );
}

type Deltas = { debitsPosted: bigint; creditsPosted: bigint; debitsPending: bigint; creditsPending: bigint };

/**
 * Two writes for any number of postings. Every transfer names the receipt that
 * caused it. Changes of an account are summed, so that commands which share a
 * transaction may change the same one.
 */
export function postingWrites(before: Loaded, plan: PlannedPostings, receiptId: string): RowsWrite[] {
  if (plan.postings.length === 0) return [];
  const deltas = accountDeltas(before, plan.accounts);
  const column = (pick: (delta: Deltas) => bigint) => deltas.map(([, delta]) => pick(delta));
  const rows = plan.postings.map((posting) => posting.transfer);
  return [
    {
      name: "ledger.update_accounts",
      text: `UPDATE ledger.accounts AS a
                SET debits_posted = a.debits_posted + d.debits_posted,
                    credits_posted = a.credits_posted + d.credits_posted,
                    debits_pending = a.debits_pending + d.debits_pending,
                    credits_pending = a.credits_pending + d.credits_pending
               FROM (SELECT id, sum(dp)::bigint AS debits_posted, sum(cp)::bigint AS credits_posted,
                            sum(dn)::bigint AS debits_pending, sum(cn)::bigint AS credits_pending
                       FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                            AS each (id, dp, cp, dn, cn)
                      GROUP BY id) AS d
              WHERE a.id = d.id`,
      rows: true,
      values: [
        deltas.map(([id]) => id),
        column((delta) => delta.debitsPosted),
        column((delta) => delta.creditsPosted),
        column((delta) => delta.debitsPending),
        column((delta) => delta.creditsPending),
      ],
    },
    {
      name: "ledger.insert_transfers",
      text: `INSERT INTO ledger.transfers
               (id, kind, debit_account, credit_account, amount, unit, pending_id, expires_at_ms, created_at_ms, receipt_id)
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                                  $7::text[], $8::bigint[], $9::bigint[], $10::text[])`,
      rows: true,
      values: [
        rows.map((row) => row.id),
        rows.map((row) => row.kind),
        rows.map((row) => row.debitAccount),
        rows.map((row) => row.creditAccount),
        rows.map((row) => row.amount),
        rows.map((row) => row.unit),
        rows.map((row) => row.pendingId ?? null),
        rows.map((row) => row.expiresAtMs ?? null),
        plan.postings.map((posting) => posting.createdAtMs),
        plan.postings.map(() => receiptId),
      ],
    },
  ];
}

type PlannedPostings = {
  readonly postings: readonly Posting[];
  readonly accounts: ReadonlyMap<string, Account>;
};

function accountDeltas(before: Loaded, after: ReadonlyMap<string, Account>): [string, Deltas][] {
  const deltas: [string, Deltas][] = [];
  for (const account of after.values()) {
    const old = before.accounts.get(account.id);
    if (old === undefined || old === account) continue;
    deltas.push([
      account.id,
      {
        debitsPosted: account.debitsPosted - old.debitsPosted,
        creditsPosted: account.creditsPosted - old.creditsPosted,
        debitsPending: account.debitsPending - old.debitsPending,
        creditsPending: account.creditsPending - old.creditsPending,
      },
    ]);
  }
  return deltas;
}

const FIND_ACCOUNT = statement(
  "ledger.find_account",
  `SELECT ${ACCOUNT_COLUMNS} FROM ledger.accounts WHERE id = $1`,
);

export async function findAccount(q: Queryable, id: string): Promise<Account | undefined> {
  const [row] = await q.query<AccountRow>(FIND_ACCOUNT, [id]);
  return row === undefined ? undefined : accountOf(row);
}

/** A transfer as it is kept. */
export type StoredTransfer = Transfer & {
  /** Grows in the order in which an account's transfers happened. */
  readonly seq: bigint;
  readonly receiptId: string;
  readonly createdAtMs: number;
};

const LISTED_MAX = 200;

// Two walks along an index, each no longer than the answer.
const LIST_ACCOUNT_TRANSFERS = statement(
  "ledger.list_account_transfers",
  `SELECT * FROM (
     (SELECT seq, receipt_id, created_at_ms, ${TRANSFER_COLUMNS} FROM ledger.transfers
       WHERE debit_account = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3)
     UNION ALL
     (SELECT seq, receipt_id, created_at_ms, ${TRANSFER_COLUMNS} FROM ledger.transfers
       WHERE credit_account = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3)) AS found
   ORDER BY seq DESC LIMIT $3`,
);

type StoredRow = TransferRow & { seq: bigint; receipt_id: string; created_at_ms: bigint };

/** An account's transfers, newest first, those before `beforeSeq` where it is given; at most 200 at once. */
export async function listAccountTransfers(
  q: Queryable,
  accountId: string,
  page: { readonly limit: number; readonly beforeSeq?: bigint },
): Promise<StoredTransfer[]> {
  const limit = Math.min(page.limit, LISTED_MAX);
  const beforeSeq = page.beforeSeq ?? 2n ** 63n - 1n;
  const rows = await q.query<StoredRow>(LIST_ACCOUNT_TRANSFERS, [accountId, beforeSeq, limit]);
  return rows.map((row) => ({
    ...transferOf(row),
    seq: row.seq,
    receiptId: row.receipt_id,
    createdAtMs: Number(row.created_at_ms),
  }));
}
