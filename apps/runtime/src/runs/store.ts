import type { Issue, RunStatus } from "@openagents/contracts";
import { streamEventsWrite } from "@openagents/authority";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { canonicalize, type JsonObject } from "@openagents/receipts";
import type { Run, RunEvent } from "./run.ts";
import { runStreamEvent } from "./stream-event.ts";

type RunRow = {
  run_id: string;
  org: string;
  created_by: string;
  status: RunStatus;
  issue: string | null;
  metadata: string;
  nonce: string;
  latest_seq: bigint;
  trajectory_hash: string;
  bundle_receipt_id: string | null;
  executor_epoch: bigint;
  executor_id: string | null;
  executor_expires_at_ms: bigint | null;
  executor_lost: boolean;
  forked_from: string | null;
  fork_seq: bigint | null;
  fork_depth: number;
  created_at_ms: bigint;
  updated_at_ms: bigint;
};

const RUN_COLUMNS = `run_id, org, created_by, status, issue, metadata, nonce, latest_seq,
  trajectory_hash, bundle_receipt_id, executor_epoch, executor_id, executor_expires_at_ms, executor_lost,
  forked_from, fork_seq, fork_depth, created_at_ms, updated_at_ms`;

function runOf(row: RunRow): Run {
  return {
    runId: row.run_id,
    org: row.org,
    createdBy: row.created_by,
    status: row.status,
    issue: row.issue === null ? undefined : (JSON.parse(row.issue) as Issue),
    metadata: JSON.parse(row.metadata) as JsonObject,
    nonce: row.nonce,
    latestSeq: row.latest_seq,
    trajectoryHash: row.trajectory_hash,
    bundleReceiptId: row.bundle_receipt_id ?? undefined,
    executor: {
      epoch: row.executor_epoch,
      lease:
        row.executor_id === null
          ? undefined
          : {
              executorId: row.executor_id,
              expiresAtMs: Number(row.executor_expires_at_ms),
              lost: row.executor_lost,
            },
    },
    fork:
      row.forked_from === null || row.fork_seq === null
        ? undefined
        : { fromRunId: row.forked_from, seq: row.fork_seq, depth: row.fork_depth },
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
  };
}

const LOCK_RUN = statement(
  "runs.lock",
  `SELECT ${RUN_COLUMNS} FROM runtime.runs WHERE org = $1 AND run_id = $2 FOR NO KEY UPDATE`,
);

/** Undefined when the organisation has no such run. */
export async function lockRun(tx: Tx, org: string, runId: string): Promise<Run | undefined> {
  const [row] = await tx.query<RunRow>(LOCK_RUN, [org, runId]);
  return row === undefined ? undefined : runOf(row);
}

const FIND_RUN = statement(
  "runs.find",
  `SELECT ${RUN_COLUMNS} FROM runtime.runs WHERE org = $1 AND run_id = $2`,
);

export async function findRun(q: Queryable, org: string, runId: string): Promise<Run | undefined> {
  const [row] = await q.query<RunRow>(FIND_RUN, [org, runId]);
  return row === undefined ? undefined : runOf(row);
}

// LIMIT makes each look-up a probe of the primary key, whatever the planner believes.
const FIND_RUNS = statement(
  "runs.find_many",
  `SELECT k.position, r.*
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (org, run_id, position)
     JOIN LATERAL (SELECT ${RUN_COLUMNS} FROM runtime.runs
                    WHERE run_id = k.run_id LIMIT 1) r ON r.org = k.org`,
);

export type RunKey = { readonly org: string; readonly runId: string };

/** Each as `findRun` would answer it, in the order of the keys. */
export async function findRuns(q: Queryable, keys: readonly RunKey[]): Promise<(Run | undefined)[]> {
  const orgs = keys.map(({ org }) => org);
  const runIds = keys.map(({ runId }) => runId);
  const rows = await q.query<RunRow & { position: bigint }>(FIND_RUNS, [orgs, runIds]);
  const found: (Run | undefined)[] = keys.map(() => undefined);
  for (const row of rows) found[Number(row.position) - 1] = runOf(row);
  return found;
}

const FIND_RUN_ORG = statement("runs.find_org", "SELECT org FROM runtime.runs WHERE run_id = $1");

/** Whose a run is; for the runtime's own sweeps, which look at every organisation's. */
export async function findRunOrg(q: Queryable, runId: string): Promise<string | undefined> {
  const [row] = await q.query<{ org: string }>(FIND_RUN_ORG, [runId]);
  return row?.org;
}

const LIST_LAPSED = statement(
  "runs.list_lapsed",
  `SELECT run_id, executor_expires_at_ms FROM runtime.runs
    WHERE executor_id IS NOT NULL AND NOT executor_lost AND status IN ('created', 'running', 'canceling')
      AND executor_expires_at_ms <= $1 AND (executor_expires_at_ms, run_id) > ($2, $3)
    ORDER BY executor_expires_at_ms, run_id LIMIT $4`,
);

export type Lapsed = { readonly runId: string; readonly expiresAtMs: number };

/** Runs whose executor's lease lapsed by `throughMs` without a word about it in their logs, those first that lapsed first. */
export async function listLapsed(
  q: Queryable,
  throughMs: number,
  after: Lapsed,
  limit: number,
): Promise<Lapsed[]> {
  const rows = await q.query<{ run_id: string; executor_expires_at_ms: bigint }>(LIST_LAPSED, [
    throughMs,
    after.expiresAtMs,
    after.runId,
    limit,
  ]);
  return rows.map((row) => ({ runId: row.run_id, expiresAtMs: Number(row.executor_expires_at_ms) }));
}

const LIST_RUNS = statement(
  "runs.list",
  `SELECT ${RUN_COLUMNS} FROM runtime.runs WHERE org = $1 AND run_id < $2 ORDER BY run_id DESC LIMIT $3`,
);

const LIST_RUNS_BY_STATUS = statement(
  "runs.list_by_status",
  `SELECT ${RUN_COLUMNS} FROM runtime.runs
    WHERE org = $1 AND status = $4 AND run_id < $2 ORDER BY run_id DESC LIMIT $3`,
);

/** Newest first, those with a smaller id than `beforeRunId`. */
export async function listRuns(
  q: Queryable,
  org: string,
  beforeRunId: string,
  limit: number,
  status: RunStatus | undefined,
): Promise<Run[]> {
  const page = [org, beforeRunId, limit];
  const rows =
    status === undefined
      ? await q.query<RunRow>(LIST_RUNS, page)
      : await q.query<RunRow>(LIST_RUNS_BY_STATUS, [...page, status]);
  return rows.map(runOf);
}

export function insertRun(run: Run): Write {
  return {
    name: "runs.insert",
    text: `INSERT INTO runtime.runs
             (run_id, org, created_by, status, issue, metadata, nonce, latest_seq, trajectory_hash, created_at_ms, updated_at_ms,
              forked_from, fork_seq, fork_depth)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    values: [
      run.runId,
      run.org,
      run.createdBy,
      run.status,
      run.issue === undefined ? null : JSON.stringify(run.issue),
      canonicalize(run.metadata),
      run.nonce,
      run.latestSeq,
      run.trajectoryHash,
      run.createdAtMs,
      run.updatedAtMs,
      run.fork?.fromRunId ?? null,
      run.fork?.seq ?? null,
      run.fork?.depth ?? 0,
    ],
  };
}

export function updateRun(run: Run): Write {
  return {
    name: "runs.update",
    text: `UPDATE runtime.runs
              SET status = $2, latest_seq = $3, trajectory_hash = $4, bundle_receipt_id = $5, updated_at_ms = $6,
                  executor_epoch = $7, executor_id = $8, executor_expires_at_ms = $9, executor_lost = $10,
                  projection_due = projection_due OR latest_seq < $3
            WHERE run_id = $1`,
    values: [
      run.runId,
      run.status,
      run.latestSeq,
      run.trajectoryHash,
      run.bundleReceiptId ?? null,
      run.updatedAtMs,
      run.executor.epoch,
      run.executor.lease?.executorId ?? null,
      run.executor.lease?.expiresAtMs ?? null,
      run.executor.lease?.lost ?? false,
    ],
  };
}

/** Into the run's log and, under the same numbers, into its stream. */
export function insertEvents(run: Pick<Run, "runId" | "org">, events: readonly RunEvent[]): Write[] {
  return [
    insertRunEvents(run.runId, events),
    streamEventsWrite(events.map((event) => runStreamEvent(run, event))),
  ];
}

function insertRunEvents(runId: string, events: readonly RunEvent[]): Write {
  return {
    name: "runs.insert_events",
    text: `INSERT INTO runtime.run_events (run_id, seq, event_type, payload, payload_hash, chain_hash, recorded_at_ms)
           SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])`,
    values: [
      runId,
      events.map((event) => event.seq),
      events.map((event) => event.eventType),
      events.map((event) => canonicalize(event.payload)),
      events.map((event) => event.payloadHash),
      events.map((event) => event.chainHash),
      events.map((event) => event.recordedAtMs),
    ],
  };
}

type EventRow = {
  seq: bigint;
  event_type: string;
  payload: string;
  payload_hash: string;
  chain_hash: string;
  recorded_at_ms: bigint;
};

const LIST_EVENTS = statement(
  "runs.list_events",
  `SELECT seq, event_type, payload, payload_hash, chain_hash, recorded_at_ms
     FROM (SELECT *, sum(octet_length(payload)) OVER (ORDER BY seq) AS bytes_so_far
             FROM (SELECT * FROM runtime.run_events
                    WHERE run_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4) AS page) AS summed
    WHERE bytes_so_far <= $5 OR seq = $2 + 1 ORDER BY seq`,
);

/** A page holds no more bytes of payloads than this, but always at least one event. */
const PAGE_BYTES_MAX = 2 * 1024 * 1024;

/** In order, those after `afterSeq` up to `throughSeq`; fewer than `limit` when they are large. */
export async function listEvents(
  q: Queryable,
  runId: string,
  afterSeq: bigint,
  throughSeq: bigint,
  limit: number,
): Promise<RunEvent[]> {
  const rows = await q.query<EventRow>(LIST_EVENTS, [runId, afterSeq, throughSeq, limit, PAGE_BYTES_MAX]);
  return rows.map(eventOf);
}

const LIST_RECEIPT_EVENTS = statement(
  "runs.list_receipt_events",
  `SELECT seq, event_type, payload, payload_hash, chain_hash, recorded_at_ms
     FROM runtime.run_events
    WHERE run_id = $1 AND seq <= $2
      AND event_type IN ('verification.recorded', 'payment.released', 'payment.withheld')
    ORDER BY seq`,
);

/** The events whose facts enter the run receipt. */
export async function listReceiptEvents(
  q: Queryable,
  runId: string,
  throughSeq: bigint,
): Promise<RunEvent[]> {
  const rows = await q.query<EventRow>(LIST_RECEIPT_EVENTS, [runId, throughSeq]);
  return rows.map(eventOf);
}

function eventOf(row: EventRow): RunEvent {
  return {
    seq: row.seq,
    eventType: row.event_type,
    payload: JSON.parse(row.payload) as JsonObject,
    payloadHash: row.payload_hash,
    chainHash: row.chain_hash,
    recordedAtMs: Number(row.recorded_at_ms),
  };
}
