import type { CommandReply } from "@openagents/contracts";
import {
  statement,
  type Database,
  type OpenTx,
  type Queryable,
  type RowsWrite,
  type Write,
} from "@openagents/postgres";
import type { Receipt } from "@openagents/receipts";

export type StoredAnswer = {
  readonly requestSha256: Buffer;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
};

/** `read_only`: writes are frozen. */
export type Mode = "active" | "read_only";

/** What became of a key: won, taken by one that ended, or by one that runs in another process. */
export type Claim =
  | { readonly kind: "won" }
  | { readonly kind: "finished"; readonly answer: StoredAnswer }
  | { readonly kind: "running" };

/** What became of a command that was run: `busy` when another process has its key. */
export type Attempt =
  | { readonly kind: "busy" }
  | {
      readonly kind: "done";
      readonly reply: CommandReply;
      /** Absent when nothing was decided, so that the key is free. */
      readonly stored: StoredAnswer | undefined;
    };

export type CommandRow = {
  readonly commandId: Buffer;
  readonly tenant: string;
  readonly principal: string;
  readonly method: string;
  readonly key: string;
  readonly requestSha256: Buffer;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly committedAtMs: number;
};

// The advisory lock serialises the same key across processes without blocking
// a connection, as waiting on a unique index would. The primary key stays the
// judge: when two snapshots miss each other, the second insert fails and its
// command starts over. LIMIT makes each look-up a probe of the primary key,
// whatever the planner believes about the number of rows.
const CLAIM = statement(
  "authority.claim",
  `SELECT pg_try_advisory_xact_lock(k.lock) AS acquired,
          (SELECT mode FROM authority.mode) AS mode,
          c.request_sha256, coalesce(o.status, c.status) AS status,
          coalesce(o.content_type, c.content_type) AS content_type, coalesce(o.body, c.body) AS body
     FROM unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS k (command_id, lock, position)
     LEFT JOIN LATERAL (SELECT * FROM authority.commands WHERE command_id = k.command_id LIMIT 1) c ON true
     LEFT JOIN LATERAL (SELECT * FROM authority.command_outcomes WHERE command_id = c.command_id LIMIT 1) o ON true
    ORDER BY k.position`,
);

type ClaimRow = {
  acquired: boolean;
  mode: Mode;
  request_sha256: Buffer | null;
  status: number | null;
  content_type: string | null;
  body: string | null;
};

/**
 * Held by every command, together with the others, and alone by the one that
 * changes the mode: it waits until those under way have ended, and those behind
 * it read the mode after it. So no command commits after a freeze was answered.
 */
const MODE_LOCK_KEY = 4_726_001;

export type ModeLock = "shared" | "alone";

/** Begin the transaction of commands and claim the key of each, in one round trip. */
export async function claimCommands(
  db: Database,
  commandIds: readonly Buffer[],
  held: ModeLock,
): Promise<{ readonly tx: OpenTx; readonly mode: Mode; readonly claims: readonly Claim[] }> {
  const values = [commandIds, commandIds.map((id) => id.readBigInt64BE(0))];
  const { tx, rows } = await db.begin<ClaimRow>(CLAIM, values, { key: MODE_LOCK_KEY, held });
  const [first] = rows;
  if (first === undefined) throw new Error("the claim answered no row");
  return { tx, mode: first.mode, claims: rows.map(claimOf) };
}

function claimOf(row: ClaimRow): Claim {
  if (row.request_sha256 !== null && row.status !== null && row.content_type !== null && row.body !== null) {
    const answer = {
      requestSha256: row.request_sha256,
      status: row.status,
      contentType: row.content_type,
      body: row.body,
    };
    return { kind: "finished", answer };
  }
  return { kind: row.acquired ? "won" : "running" };
}

/** End a transaction that wrote nothing: nobody needs to wait for that, nor to hear that it is gone already. */
export function abandon(tx: OpenTx): void {
  tx.rollback().catch(() => undefined);
}

const READ_MODE = statement("authority.read_mode", "SELECT mode FROM authority.mode");

/** Begin the transaction of a command without a key. */
export async function beginUnclaimed(db: Database): Promise<{ readonly tx: OpenTx; readonly mode: Mode }> {
  const { tx, rows } = await db.begin<{ mode: Mode }>(READ_MODE, [], { key: MODE_LOCK_KEY, held: "shared" });
  const [row] = rows;
  if (row === undefined) throw new Error("authority.mode has no row");
  return { tx, mode: row.mode };
}

export type ModeState = {
  readonly mode: Mode;
  readonly reason: string;
  readonly changedBy: string | undefined;
  readonly changedAtMs: number | undefined;
  readonly receiptId: string | undefined;
};

type ModeRow = {
  mode: Mode;
  reason: string;
  changed_by: string | null;
  changed_at_ms: bigint | null;
  receipt_id: string | null;
};

const FIND_MODE = statement(
  "authority.find_mode",
  "SELECT mode, reason, changed_by, changed_at_ms, receipt_id FROM authority.mode",
);

export async function getMode(q: Queryable): Promise<ModeState> {
  const [row] = await q.query<ModeRow>(FIND_MODE);
  if (row === undefined) throw new Error("authority.mode has no row");
  return {
    mode: row.mode,
    reason: row.reason,
    changedBy: row.changed_by ?? undefined,
    changedAtMs: row.changed_at_ms === null ? undefined : Number(row.changed_at_ms),
    receiptId: row.receipt_id ?? undefined,
  };
}

export function modeWrite(state: ModeState): Write {
  return {
    name: "authority.set_mode",
    text: `UPDATE authority.mode
              SET mode = $1, reason = $2, changed_by = $3, changed_at_ms = $4, receipt_id = $5`,
    values: [state.mode, state.reason, state.changedBy, state.changedAtMs, state.receiptId],
  };
}

export function commandWrite(row: CommandRow): RowsWrite {
  return {
    name: "authority.insert_commands",
    text: `INSERT INTO authority.commands
             (command_id, tenant, principal, method, key, request_sha256, status, content_type, body, committed_at_ms)
           SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[],
                                $7::smallint[], $8::text[], $9::text[], $10::bigint[])`,
    rows: true,
    values: [
      [row.commandId],
      [row.tenant],
      [row.principal],
      [row.method],
      [row.key],
      [row.requestSha256],
      [row.status],
      [row.contentType],
      [row.body],
      [row.committedAtMs],
    ],
  };
}

/** What a command that waited for an outside effect answers from now on. */
export function outcomeWrite(
  commandId: Buffer,
  answer: Pick<StoredAnswer, "status" | "contentType" | "body">,
  committedAtMs: number,
): Write {
  return {
    name: "authority.insert_command_outcome",
    text: `INSERT INTO authority.command_outcomes (command_id, status, content_type, body, committed_at_ms)
           VALUES ($1, $2, $3, $4, $5)`,
    values: [commandId, answer.status, answer.contentType, answer.body, committedAtMs],
  };
}

export type SealedReceipt = {
  readonly receipt: Receipt;
  /** The receipt's canonical JSON, as it is stored. */
  readonly canonical: string;
  readonly tenant: string;
  readonly schema: string;
  readonly subject: string;
  readonly occurredAtMs: number;
};

export function receiptsWrite(receipts: readonly SealedReceipt[]): RowsWrite {
  return {
    name: "authority.insert_receipts",
    text: `INSERT INTO authority.receipts (receipt_id, tenant, schema, subject, body, occurred_at_ms)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])`,
    rows: true,
    values: [
      receipts.map((each) => each.receipt.receipt_id),
      receipts.map((each) => each.tenant),
      receipts.map((each) => each.schema),
      receipts.map((each) => each.subject),
      receipts.map((each) => each.canonical),
      receipts.map((each) => each.occurredAtMs),
    ],
  };
}

const FIND_RECEIPT = statement(
  "authority.find_receipt",
  "SELECT seq, occurred_at_ms, body FROM authority.receipts WHERE tenant = $1 AND receipt_id = $2",
);

// A walk along an index from where the last page ended, no further back than the span goes.
const PAGE =
  "(occurred_at_ms, seq) < ($2, $3) AND occurred_at_ms >= $4 ORDER BY occurred_at_ms DESC, seq DESC LIMIT $5";

const LIST_BY_TENANT = statement(
  "authority.list_receipts",
  `SELECT seq, occurred_at_ms, body FROM authority.receipts WHERE tenant = $1 AND ${PAGE}`,
);

const LIST_BY_SCHEMA = statement(
  "authority.list_receipts_by_schema",
  `SELECT seq, occurred_at_ms, body FROM authority.receipts WHERE tenant = $1 AND schema = $6 AND ${PAGE}`,
);

const LIST_BY_SUBJECT = statement(
  "authority.list_receipts_by_subject",
  `SELECT seq, occurred_at_ms, body FROM authority.receipts
    WHERE subject = $6 AND tenant = $1 AND ($7::text IS NULL OR schema = $7) AND ${PAGE}`,
);

export type StoredReceipt = {
  readonly seq: bigint;
  readonly occurredAtMs: bigint;
  readonly body: string;
};

type ReceiptRow = { seq: bigint; occurred_at_ms: bigint; body: string };

function receiptOf({ seq, occurred_at_ms: occurredAtMs, body }: ReceiptRow): StoredReceipt {
  return { seq, occurredAtMs, body };
}

const FIND_RECEIPTS = statement(
  "authority.find_receipts",
  `SELECT k.position, r.*
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (tenant, receipt_id, position)
     JOIN LATERAL (SELECT tenant, seq, occurred_at_ms, body FROM authority.receipts
                    WHERE receipt_id = k.receipt_id LIMIT 1) r ON r.tenant = k.tenant`,
);

export type ReceiptKey = { readonly tenant: string; readonly receiptId: string };

/** Each as `findReceipt` would answer it, in the order of the keys. */
export async function findReceipts(
  q: Queryable,
  keys: readonly ReceiptKey[],
): Promise<(StoredReceipt | undefined)[]> {
  const tenants = keys.map(({ tenant }) => tenant);
  const receiptIds = keys.map(({ receiptId }) => receiptId);
  const rows = await q.query<ReceiptRow & { position: bigint }>(FIND_RECEIPTS, [tenants, receiptIds]);
  const found: (StoredReceipt | undefined)[] = keys.map(() => undefined);
  for (const row of rows) found[Number(row.position) - 1] = receiptOf(row);
  return found;
}

/** Undefined when the tenant has no such receipt. */
export async function findReceipt(
  q: Queryable,
  tenant: string,
  receiptId: string,
): Promise<StoredReceipt | undefined> {
  const [row] = await q.query<ReceiptRow>(FIND_RECEIPT, [tenant, receiptId]);
  return row === undefined ? undefined : receiptOf(row);
}

/** Newest first: those that occurred at `fromMs` or later, and before `before`. */
export async function listReceipts(
  q: Queryable,
  filter: {
    readonly tenant: string;
    readonly fromMs: bigint;
    /** Of two that occurred at the same time, the one with the higher `seq` comes first. */
    readonly before: { readonly occurredAtMs: bigint; readonly seq: bigint };
    readonly limit: number;
    readonly schema?: string | undefined;
    readonly subject?: string | undefined;
  },
): Promise<StoredReceipt[]> {
  const { tenant, fromMs, before, limit, schema, subject } = filter;
  const page = [tenant, before.occurredAtMs, before.seq, fromMs, limit];
  const rows =
    subject !== undefined
      ? await q.query<ReceiptRow>(LIST_BY_SUBJECT, [...page, subject, schema ?? null])
      : schema !== undefined
        ? await q.query<ReceiptRow>(LIST_BY_SCHEMA, [...page, schema])
        : await q.query<ReceiptRow>(LIST_BY_TENANT, page);
  return rows.map(receiptOf);
}
