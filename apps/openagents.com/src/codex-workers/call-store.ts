import type { CodexWorkerCallStatus, JsonObject } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";
import { TURN_INTERRUPT, type CallAnswer, type WorkerCall } from "./call.ts";

type CallRow = {
  worker_id: string;
  request_id: string;
  ordinal: bigint;
  requested_by: string;
  method: string;
  params: string;
  thread_id: string | null;
  status: CodexWorkerCallStatus;
  waits: boolean;
  claim_session: string | null;
  claims: number;
  deadline_ms: bigint;
  answer: string | null;
  created_at_ms: bigint;
  answered_at_ms: bigint | null;
};

const COLUMNS = `worker_id, request_id, ordinal, requested_by, method, params, thread_id, status, waits,
  claim_session, claims, deadline_ms, answer, created_at_ms, answered_at_ms`;

function callOf(row: CallRow): WorkerCall {
  return {
    workerId: row.worker_id,
    requestId: row.request_id,
    ordinal: row.ordinal,
    requestedBy: row.requested_by,
    method: row.method,
    params: JSON.parse(row.params) as JsonObject,
    threadId: row.thread_id ?? undefined,
    status: row.status,
    waits: row.waits,
    claimSession: row.claim_session ?? undefined,
    claims: row.claims,
    deadlineMs: Number(row.deadline_ms),
    answer: row.answer === null ? undefined : (JSON.parse(row.answer) as CallAnswer),
    createdAtMs: Number(row.created_at_ms),
    answeredAtMs: row.answered_at_ms === null ? undefined : Number(row.answered_at_ms),
  };
}

const FIND = statement(
  "codex_worker_requests.find",
  `SELECT ${COLUMNS} FROM control.codex_worker_requests WHERE worker_id = $1 AND request_id = $2`,
);

/** Under the worker's lock it stays as it is. */
export async function findCall(
  q: Queryable,
  workerId: string,
  requestId: string,
): Promise<WorkerCall | undefined> {
  const [row] = await q.query<CallRow>(FIND, [workerId, requestId]);
  return row === undefined ? undefined : callOf(row);
}

const NEXT = statement(
  "codex_worker_requests.next",
  `SELECT ${COLUMNS} FROM control.codex_worker_requests AS r
    WHERE worker_id = $1 AND status <> 'answered' AND deadline_ms > $3 AND request_id <> ALL ($2)
      AND (method = '${TURN_INTERRUPT}' OR thread_id IS NULL OR NOT EXISTS (
        SELECT FROM control.codex_worker_requests AS e
         WHERE e.worker_id = r.worker_id AND e.status <> 'answered' AND e.thread_id = r.thread_id
           AND e.ordinal < r.ordinal AND e.method <> '${TURN_INTERRUPT}'))
    ORDER BY ordinal LIMIT 1`,
);

/** The oldest call that the process does not work on and that no earlier one of its thread holds up. */
export async function findNext(
  tx: Tx,
  workerId: string,
  holding: readonly string[],
  nowMs: number,
): Promise<WorkerCall | undefined> {
  const [row] = await tx.query<CallRow>(NEXT, [workerId, holding, nowMs]);
  return row === undefined ? undefined : callOf(row);
}

const FIND_TURN = statement(
  "codex_worker_requests.find_turn",
  `SELECT ${COLUMNS} FROM control.codex_worker_requests
    WHERE worker_id = $1 AND status <> 'answered' AND thread_id = $2 AND method = 'turn/start'
    ORDER BY ordinal LIMIT 1`,
);

/** The turn of a thread that is carried out, or is the next to be. */
export async function findTurn(
  q: Queryable,
  workerId: string,
  threadId: string,
): Promise<WorkerCall | undefined> {
  const [row] = await q.query<CallRow>(FIND_TURN, [workerId, threadId]);
  return row === undefined ? undefined : callOf(row);
}

const COUNT = statement(
  "codex_worker_requests.count_unanswered",
  `SELECT worker_id, count(*) AS unanswered FROM control.codex_worker_requests
    WHERE worker_id = ANY ($1) AND status <> 'answered' GROUP BY worker_id`,
);

export async function countUnanswered(
  q: Queryable,
  workerIds: readonly string[],
): Promise<ReadonlyMap<string, bigint>> {
  const rows = await q.query<{ worker_id: string; unanswered: bigint }>(COUNT, [workerIds]);
  return new Map(rows.map((row) => [row.worker_id, row.unanswered]));
}

const LIST_DUE = statement(
  "codex_worker_requests.list_due",
  `SELECT worker_id, request_id FROM control.codex_worker_requests
    WHERE status <> 'answered' AND deadline_ms <= $1 AND NOT ($2 AND waits AND status = 'claimed')
    ORDER BY deadline_ms LIMIT $3`,
);

/** The longest due first; `spared`: without what waits for a device and was taken by one. */
export async function listDue(
  q: Queryable,
  nowMs: number,
  spared: boolean,
  limit: number,
): Promise<{ readonly workerId: string; readonly requestId: string }[]> {
  const rows = await q.query<{ worker_id: string; request_id: string }>(LIST_DUE, [nowMs, spared, limit]);
  return rows.map((row) => ({ workerId: row.worker_id, requestId: row.request_id }));
}

export function insertCall(call: WorkerCall): Write {
  return {
    name: "codex_worker_requests.insert",
    text: `INSERT INTO control.codex_worker_requests (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    values: [
      call.workerId,
      call.requestId,
      call.ordinal,
      call.requestedBy,
      call.method,
      canonicalize(call.params),
      call.threadId ?? null,
      call.status,
      call.waits,
      call.claimSession ?? null,
      call.claims,
      call.deadlineMs,
      call.answer === undefined ? null : answerText(call.answer),
      call.createdAtMs,
      call.answeredAtMs ?? null,
    ],
  };
}

export function updateCall(call: WorkerCall): Write {
  return {
    name: "codex_worker_requests.update",
    text: `UPDATE control.codex_worker_requests
              SET status = $3, claim_session = $4, claims = $5, deadline_ms = $6, answer = $7,
                  answered_at_ms = $8
            WHERE worker_id = $1 AND request_id = $2`,
    values: [
      call.workerId,
      call.requestId,
      call.status,
      call.claimSession ?? null,
      call.claims,
      call.deadlineMs,
      call.answer === undefined ? null : answerText(call.answer),
      call.answeredAtMs ?? null,
    ],
  };
}

/** What a process says that it works on is its own from here, and stays so for a while. */
export function renewHeld(
  workerId: string,
  session: string,
  holding: readonly string[],
  untilMs: number,
): Write {
  return {
    name: "codex_worker_requests.renew",
    text: `UPDATE control.codex_worker_requests
              SET claim_session = $2,
                  deadline_ms = CASE WHEN waits THEN greatest(deadline_ms, $4) ELSE deadline_ms END
            WHERE worker_id = $1 AND request_id = ANY ($3) AND status = 'claimed'`,
    values: [workerId, session, holding, untilMs],
  };
}

/** Whatever a worker has not answered is due now. */
export function markAllDue(workerId: string, nowMs: number): Write {
  return {
    name: "codex_worker_requests.mark_due",
    text: `UPDATE control.codex_worker_requests SET deadline_ms = least(deadline_ms, $2)
            WHERE worker_id = $1 AND status <> 'answered'`,
    values: [workerId, nowMs],
  };
}

function answerText(answer: CallAnswer): string {
  return canonicalize("error" in answer ? { error: { ...answer.error } } : { response: answer.response });
}
