import {
  statement,
  type Database,
  type Queryable,
  type RowsWrite,
  type Tx,
  type Write,
} from "@openagents/postgres";
import { canonicalize, parseStrict, type JsonObject } from "@openagents/receipts";
import { HOLD_MS, type HeldIntent, type Intent, type IntentStatus, type TerminalEffect } from "./intent.ts";

type IntentRow = {
  intent_id: string;
  kind: string;
  tenant: string;
  subject: string;
  payload: string;
  effect_key: string;
  status: IntentStatus;
  sent_at_ms: bigint | null;
  attempts: number;
  epoch: bigint;
  command_id: Buffer | null;
  request_id: string;
  detail: string | null;
  created_at_ms: bigint;
  updated_at_ms: bigint;
};

const COLUMNS = `intent_id, kind, tenant, subject, payload, effect_key, status, sent_at_ms, attempts, epoch,
  command_id, request_id, detail, created_at_ms, updated_at_ms`;

function intentOf(row: IntentRow): HeldIntent {
  return {
    intentId: row.intent_id,
    kind: row.kind,
    tenant: row.tenant,
    subject: row.subject,
    payload: parseStrict(row.payload) as JsonObject,
    effectKey: row.effect_key,
    status: row.status,
    sentAtMs: row.sent_at_ms === null ? undefined : Number(row.sent_at_ms),
    attempts: row.attempts,
    epoch: row.epoch,
    commandId: row.command_id ?? undefined,
    requestId: row.request_id,
    detail: row.detail ?? undefined,
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
  };
}

export function intentsWrite(intents: readonly Intent[]): RowsWrite {
  return {
    name: "authority.insert_intents",
    text: `INSERT INTO authority.intents (intent_id, kind, tenant, subject, payload, effect_key, status, attempts,
             epoch, due_at_ms, command_id, request_id, created_at_ms, updated_at_ms)
           SELECT id, kind, tenant, subject, payload, effect_key, 'pending', 0, 0, at_ms, command_id, request_id,
                  at_ms, at_ms
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                         $8::bytea[], $9::text[])
               AS t (id, kind, tenant, subject, payload, effect_key, at_ms, command_id, request_id)`,
    rows: true,
    values: [
      intents.map((each) => each.intentId),
      intents.map((each) => each.kind),
      intents.map((each) => each.tenant),
      intents.map((each) => each.subject),
      intents.map((each) => canonicalize(each.payload)),
      intents.map((each) => each.effectKey),
      intents.map((each) => each.createdAtMs),
      intents.map((each) => each.commandId ?? null),
      intents.map((each) => each.requestId),
    ],
  };
}

const FIND = statement(
  "authority.find_intent",
  `SELECT ${COLUMNS} FROM authority.intents WHERE tenant = $1 AND intent_id = $2`,
);

/** Undefined when the tenant has no such intent. */
export async function findIntent(
  q: Queryable,
  tenant: string,
  intentId: string,
): Promise<Intent | undefined> {
  const [row] = await q.query<IntentRow>(FIND, [tenant, intentId]);
  return row === undefined ? undefined : intentOf(row);
}

const LIST_BY_EFFECT = statement(
  "authority.list_intents_by_effect",
  `SELECT ${COLUMNS} FROM authority.intents WHERE kind = $1 AND effect_key = ANY ($2)`,
);

/** Those of one kind with these effect keys, in no order. */
export async function listIntentsByEffect(
  q: Queryable,
  kind: string,
  effectKeys: readonly string[],
): Promise<Intent[]> {
  if (effectKeys.length === 0) return [];
  return (await q.query<IntentRow>(LIST_BY_EFFECT, [kind, effectKeys])).map(intentOf);
}

// The mark that it may have been sent is set in the same statement as the hold:
// whoever takes it up after a crash finds the mark, and asks in place of sending.
// Nothing new is sent while writes are frozen.
const TAKE_DUE = statement(
  "authority.take_due_intents",
  `WITH due AS (
     SELECT intent_id FROM authority.intents
      WHERE status IN ('pending', 'unknown') AND due_at_ms <= $1 AND kind = ANY ($2)
        AND (sent_at_ms IS NOT NULL OR (SELECT mode FROM authority.mode) = 'active')
      ORDER BY due_at_ms LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
   UPDATE authority.intents i
      SET epoch = epoch + 1, attempts = attempts + 1, due_at_ms = $4, updated_at_ms = $1,
          status = CASE WHEN sent_at_ms IS NULL THEN 'pending' ELSE 'unknown' END,
          sent_at_ms = coalesce(sent_at_ms, $1)
     FROM due WHERE i.intent_id = due.intent_id
   RETURNING ${COLUMNS.replaceAll(/\b([a-z_]+)\b/g, "i.$1")}`,
);

/** Take up what is due. A `pending` one is to be sent now, an `unknown` one only asked about. */
export async function takeDueIntents(
  db: Database,
  take: { readonly kinds: readonly string[]; readonly limit: number; readonly nowMs: number },
): Promise<HeldIntent[]> {
  const values = [take.nowMs, take.kinds, take.limit, take.nowMs + HOLD_MS];
  return (await db.query<IntentRow>(TAKE_DUE, values)).map(intentOf);
}

const PUT_OFF = statement(
  "authority.put_off_intent",
  `UPDATE authority.intents
      SET status = $3, sent_at_ms = CASE WHEN $3 = 'pending' THEN NULL ELSE sent_at_ms END,
          detail = $4, due_at_ms = $5, updated_at_ms = $6
    WHERE intent_id = $1 AND epoch = $2 AND status IN ('pending', 'unknown')`,
);

/** Give an intent back to be taken up later: `pending` when it certainly was not sent. Nothing when it was overtaken. */
export async function putOffIntent(
  db: Database,
  held: HeldIntent,
  next: {
    readonly status: "pending" | "unknown";
    readonly detail: string;
    readonly dueAtMs: number;
    readonly nowMs: number;
  },
): Promise<void> {
  await db.query(PUT_OFF, [held.intentId, held.epoch, next.status, next.detail, next.dueAtMs, next.nowMs]);
}

const LOCK_HELD = statement(
  "authority.lock_held_intent",
  `SELECT intent_id FROM authority.intents
    WHERE intent_id = $1 AND epoch = $2 AND status IN ('pending', 'unknown') FOR NO KEY UPDATE`,
);

/** Whether the executor still holds the intent; if so it does until the transaction ends. */
export async function lockHeldIntent(tx: Tx, held: HeldIntent): Promise<boolean> {
  return (await tx.query(LOCK_HELD, [held.intentId, held.epoch])).length > 0;
}

export function concludeIntent(held: HeldIntent, effect: TerminalEffect, nowMs: number): Write {
  return {
    name: "authority.conclude_intent",
    text: `UPDATE authority.intents SET status = $2, outcome = $3, detail = $4, updated_at_ms = $5
            WHERE intent_id = $1`,
    values: [
      held.intentId,
      effect.kind,
      canonicalize(effect),
      effect.kind === "failed" ? effect.detail : null,
      nowMs,
    ],
  };
}
