import { statement, type Queryable, type Write } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";
import type { Summary } from "./summary.ts";

export type Projection = {
  readonly runId: string;
  readonly org: string;
  readonly lastSeq: bigint;
  /** Head of the run's chain after the last event that is in it. */
  readonly chainHash: string;
  readonly summary: Summary;
  readonly hash: string;
  readonly updatedAtMs: number;
};

type ProjectionRow = {
  run_id: string;
  org: string;
  last_seq: bigint;
  chain_hash: string;
  summary: string;
  projection_hash: string;
  updated_at_ms: bigint;
};

const COLUMNS = "run_id, org, last_seq, chain_hash, summary, projection_hash, updated_at_ms";

function projectionOf(row: ProjectionRow): Projection {
  return {
    runId: row.run_id,
    org: row.org,
    lastSeq: row.last_seq,
    chainHash: row.chain_hash,
    summary: JSON.parse(row.summary) as Summary,
    hash: row.projection_hash,
    updatedAtMs: Number(row.updated_at_ms),
  };
}

const FIND = statement(
  "projections.find",
  `SELECT ${COLUMNS} FROM runtime.run_projections WHERE org = $1 AND run_id = $2`,
);

export async function findProjection(
  q: Queryable,
  org: string,
  runId: string,
): Promise<Projection | undefined> {
  const [row] = await q.query<ProjectionRow>(FIND, [org, runId]);
  return row === undefined ? undefined : projectionOf(row);
}

const LIST = statement(
  "projections.list",
  `SELECT ${COLUMNS} FROM runtime.run_projections
    WHERE org = $1 AND run_id <= $2 AND run_id >= $3 ORDER BY run_id DESC LIMIT $4`,
);

/** Newest first. */
export async function listProjections(
  q: Queryable,
  org: string,
  newestRunId: string,
  oldestRunId: string,
  limit: number,
): Promise<Projection[]> {
  const rows = await q.query<ProjectionRow>(LIST, [org, newestRunId, oldestRunId, limit]);
  return rows.map(projectionOf);
}

const LIST_DUE = statement(
  "projections.list_due",
  "SELECT run_id, org FROM runtime.runs WHERE projection_due AND run_id > $1 ORDER BY run_id LIMIT $2",
);

export type Due = { readonly runId: string; readonly org: string };

/** Runs whose events are ahead of their projection. */
export async function listDue(q: Queryable, afterRunId: string, limit: number): Promise<Due[]> {
  const rows = await q.query<{ run_id: string; org: string }>(LIST_DUE, [afterRunId, limit]);
  return rows.map((row) => ({ runId: row.run_id, org: row.org }));
}

/** Never back to fewer events, unless it was made again from the first. */
export function putProjection(made: Projection, again: boolean): Write {
  return {
    name: again ? "projections.replace" : "projections.put",
    text: `INSERT INTO runtime.run_projections (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (run_id) DO UPDATE
              SET last_seq = excluded.last_seq, chain_hash = excluded.chain_hash, summary = excluded.summary,
                  projection_hash = excluded.projection_hash, updated_at_ms = excluded.updated_at_ms
            ${again ? "" : "WHERE run_projections.last_seq < excluded.last_seq"}`,
    values: [
      made.runId,
      made.org,
      made.lastSeq,
      made.chainHash,
      canonicalize(made.summary),
      made.hash,
      made.updatedAtMs,
    ],
  };
}

/** Due again when an event came meanwhile. */
export function markProjected(runId: string, lastSeq: bigint): Write {
  return {
    name: "projections.mark_run",
    text: "UPDATE runtime.runs SET projection_due = (latest_seq <> $2) WHERE run_id = $1",
    values: [runId, lastSeq],
  };
}
