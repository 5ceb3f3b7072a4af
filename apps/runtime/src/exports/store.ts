import type { ExportKind, ExportStatus } from "@openagents/contracts";
import { statement, type Queryable, type Write } from "@openagents/postgres";
import { canonicalize, type JsonObject } from "@openagents/receipts";
import type { Export } from "./export.ts";

type ExportRow = {
  export_id: string;
  org: string;
  run_id: string;
  kind: ExportKind;
  target: string;
  content: string;
  status: ExportStatus;
  attempts: number;
  url: string | null;
  detail: string | null;
  receipt_id: string;
  created_at_ms: bigint;
  updated_at_ms: bigint;
};

const COLUMNS = `export_id, org, run_id, kind, target, content, status, attempts, url, detail, receipt_id,
  created_at_ms, updated_at_ms`;

function exportOf(row: ExportRow): Export {
  return {
    exportId: row.export_id,
    org: row.org,
    runId: row.run_id,
    kind: row.kind,
    target: row.target,
    content: JSON.parse(row.content) as JsonObject,
    status: row.status,
    attempts: row.attempts,
    url: row.url ?? undefined,
    detail: row.detail ?? undefined,
    receiptId: row.receipt_id,
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
  };
}

const LIST = statement(
  "exports.list",
  `SELECT ${COLUMNS} FROM runtime.exports WHERE run_id = $1 ORDER BY created_at_ms, export_id LIMIT $2`,
);

/** A run's exports in the order in which they were intended. Under the run's lock they stay as they are. */
export async function listExports(q: Queryable, runId: string, limit: number): Promise<Export[]> {
  return (await q.query<ExportRow>(LIST, [runId, limit])).map(exportOf);
}

const FIND = statement(
  "exports.find",
  `SELECT ${COLUMNS} FROM runtime.exports WHERE run_id = $1 AND export_id = $2`,
);

/** Undefined when the run has no such export. Lock the run before changing it. */
export async function findExport(q: Queryable, runId: string, exportId: string): Promise<Export | undefined> {
  const [row] = await q.query<ExportRow>(FIND, [runId, exportId]);
  return row === undefined ? undefined : exportOf(row);
}

export function insertExport(made: Export): Write {
  return {
    name: "exports.insert",
    text: `INSERT INTO runtime.exports (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    values: [
      made.exportId,
      made.org,
      made.runId,
      made.kind,
      made.target,
      canonicalize(made.content),
      made.status,
      made.attempts,
      made.url ?? null,
      made.detail ?? null,
      made.receiptId,
      made.createdAtMs,
      made.updatedAtMs,
    ],
  };
}

export function updateExport(changed: Export): Write {
  return {
    name: "exports.update",
    text: `UPDATE runtime.exports
              SET status = $2, attempts = $3, url = $4, detail = $5, receipt_id = $6, updated_at_ms = $7
            WHERE export_id = $1`,
    values: [
      changed.exportId,
      changed.status,
      changed.attempts,
      changed.url ?? null,
      changed.detail ?? null,
      changed.receiptId,
      changed.updatedAtMs,
    ],
  };
}
