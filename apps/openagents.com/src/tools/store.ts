import type { JsonObject } from "@openagents/contracts";
import { statement, type Queryable, type Write } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";

export type ExecutionStatus = "pending" | "succeeded" | "failed";

export type Execution = {
  readonly executionId: string;
  readonly autopilotId: string;
  readonly tool: string;
  readonly replayHash: string;
  readonly arguments: JsonObject;
  /** Undefined where the worker knows how it stands. */
  readonly status: ExecutionStatus | undefined;
  readonly result: JsonObject;
  /** Whose call of the same id it is. */
  readonly workerId: string | undefined;
  readonly receiptId: string;
  readonly startedAtMs: number;
};

type ExecutionRow = {
  execution_id: string;
  autopilot_id: string;
  tool: string;
  replay_hash: string;
  arguments: string;
  status: ExecutionStatus | null;
  result: string;
  worker_id: string | null;
  receipt_id: string;
  started_at_ms: bigint;
};

const COLUMNS = `execution_id, autopilot_id, tool, replay_hash, arguments, status, result, worker_id, receipt_id,
  started_at_ms`;

function executionOf(row: ExecutionRow): Execution {
  return {
    executionId: row.execution_id,
    autopilotId: row.autopilot_id,
    tool: row.tool,
    replayHash: row.replay_hash,
    arguments: JSON.parse(row.arguments) as JsonObject,
    status: row.status ?? undefined,
    result: JSON.parse(row.result) as JsonObject,
    workerId: row.worker_id ?? undefined,
    receiptId: row.receipt_id,
    startedAtMs: Number(row.started_at_ms),
  };
}

const FIND = statement(
  "tool_executions.find",
  `SELECT ${COLUMNS} FROM control.tool_executions WHERE execution_id = $1`,
);

export async function findExecution(q: Queryable, executionId: string): Promise<Execution | undefined> {
  const [row] = await q.query<ExecutionRow>(FIND, [executionId]);
  return row === undefined ? undefined : executionOf(row);
}

const FIND_SAME = statement(
  "tool_executions.find_same",
  `SELECT ${COLUMNS} FROM control.tool_executions
    WHERE autopilot_id = $1 AND replay_hash = $2 ORDER BY execution_id DESC LIMIT 1`,
);

/** The newest run of the same. */
export async function findSame(
  q: Queryable,
  autopilotId: string,
  replayHash: string,
): Promise<Execution | undefined> {
  const [row] = await q.query<ExecutionRow>(FIND_SAME, [autopilotId, replayHash]);
  return row === undefined ? undefined : executionOf(row);
}

export function insertExecution(execution: Execution): Write {
  return {
    name: "tool_executions.insert",
    text: `INSERT INTO control.tool_executions (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    values: [
      execution.executionId,
      execution.autopilotId,
      execution.tool,
      execution.replayHash,
      canonicalize(execution.arguments),
      execution.status ?? null,
      canonicalize(execution.result),
      execution.workerId ?? null,
      execution.receiptId,
      execution.startedAtMs,
    ],
  };
}

export function markExecutionEnded(
  executionId: string,
  status: "succeeded" | "failed",
  result: JsonObject,
): Write {
  return {
    name: "tool_executions.end",
    text: "UPDATE control.tool_executions SET status = $2, result = $3 WHERE execution_id = $1",
    values: [executionId, status, canonicalize(result)],
  };
}
