import type { CodexWorkerStatus, JsonObject } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";
import type { CodexWorker } from "./worker.ts";

type WorkerRow = {
  worker_id: string;
  org: string;
  owner: string;
  name: string;
  device_id: string;
  status: CodexWorkerStatus;
  adapter: string;
  workspace_ref: string;
  metadata: string;
  request_count: bigint;
  last_seen_at_ms: bigint | null;
  created_at_ms: bigint;
  updated_at_ms: bigint;
};

const COLUMNS = `worker_id, org, owner, name, device_id, status, adapter, workspace_ref, metadata,
  request_count, last_seen_at_ms, created_at_ms, updated_at_ms`;

function workerOf(row: WorkerRow): CodexWorker {
  return {
    workerId: row.worker_id,
    org: row.org,
    owner: row.owner,
    name: row.name,
    deviceId: row.device_id,
    status: row.status,
    adapter: row.adapter,
    workspaceRef: row.workspace_ref,
    metadata: JSON.parse(row.metadata) as JsonObject,
    requestCount: row.request_count,
    lastSeenAtMs: row.last_seen_at_ms === null ? undefined : Number(row.last_seen_at_ms),
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
  };
}

const FIND = statement(
  "codex_workers.find",
  `SELECT ${COLUMNS} FROM control.codex_workers WHERE worker_id = $1`,
);

export async function findWorker(q: Queryable, workerId: string): Promise<CodexWorker | undefined> {
  const [row] = await q.query<WorkerRow>(FIND, [workerId]);
  return row === undefined ? undefined : workerOf(row);
}

const LOCK = statement("codex_workers.lock", `${FIND.text} FOR NO KEY UPDATE`);

/** Locked before the calls of the worker, and those before threads. */
export async function lockWorker(tx: Tx, workerId: string): Promise<CodexWorker | undefined> {
  const [row] = await tx.query<WorkerRow>(LOCK, [workerId]);
  return row === undefined ? undefined : workerOf(row);
}

const LOCK_OF_DEVICE = statement(
  "codex_workers.lock_of_device",
  `SELECT ${COLUMNS} FROM control.codex_workers
    WHERE device_id = $1 AND status = 'running' ORDER BY worker_id FOR NO KEY UPDATE`,
);

export async function lockWorkersOf(tx: Tx, deviceId: string): Promise<CodexWorker[]> {
  return (await tx.query<WorkerRow>(LOCK_OF_DEVICE, [deviceId])).map(workerOf);
}

// A name that is not there yet has no row to lock.
const LOCK_NAME = statement(
  "codex_workers.lock_name",
  "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2 || ' ' || $3, 44))",
);

const FIND_NAMED = statement(
  "codex_workers.find_named",
  `SELECT ${COLUMNS} FROM control.codex_workers WHERE org = $1 AND owner = $2 AND name = $3 FOR NO KEY UPDATE`,
);

export async function lockNamed(
  tx: Tx,
  org: string,
  owner: string,
  name: string,
): Promise<CodexWorker | undefined> {
  await tx.query(LOCK_NAME, [org, owner, name]);
  const [row] = await tx.query<WorkerRow>(FIND_NAMED, [org, owner, name]);
  return row === undefined ? undefined : workerOf(row);
}

const LIST = statement(
  "codex_workers.list",
  `SELECT ${COLUMNS} FROM control.codex_workers
    WHERE org = $1 AND owner = $2 AND worker_id < $3 AND ($4 = '' OR status = $4)
    ORDER BY worker_id DESC LIMIT $5`,
);

export async function listWorkers(
  q: Queryable,
  org: string,
  owner: string,
  before: string,
  status: CodexWorkerStatus | "",
  limit: number,
): Promise<CodexWorker[]> {
  return (await q.query<WorkerRow>(LIST, [org, owner, before, status, limit])).map(workerOf);
}

/** Insert, or replace all but id, owner, name and birth. */
export function upsertWorker(worker: CodexWorker): Write {
  return {
    name: "codex_workers.upsert",
    text: `INSERT INTO control.codex_workers (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
           ON CONFLICT (worker_id) DO UPDATE SET
             device_id = excluded.device_id, status = excluded.status, adapter = excluded.adapter,
             workspace_ref = excluded.workspace_ref, metadata = excluded.metadata,
             request_count = excluded.request_count, last_seen_at_ms = excluded.last_seen_at_ms,
             updated_at_ms = excluded.updated_at_ms`,
    values: [
      worker.workerId,
      worker.org,
      worker.owner,
      worker.name,
      worker.deviceId,
      worker.status,
      worker.adapter,
      worker.workspaceRef,
      canonicalize(worker.metadata),
      worker.requestCount,
      worker.lastSeenAtMs ?? null,
      worker.createdAtMs,
      worker.updatedAtMs,
    ],
  };
}

export function markSeen(workerId: string, nowMs: number): Write {
  return {
    name: "codex_workers.mark_seen",
    text: "UPDATE control.codex_workers SET last_seen_at_ms = $2 WHERE worker_id = $1",
    values: [workerId, nowMs],
  };
}
