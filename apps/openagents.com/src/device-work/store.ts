import { statement, type Queryable } from "@openagents/postgres";

/** A device that gets no tokens any more, and whose work may still go on. */
export type StoppedDevice = {
  readonly deviceId: string;
  readonly org: string;
  readonly name: string;
  readonly status: string;
  readonly statusAtMs: number;
};

const LIST = statement(
  "device_work.list",
  `SELECT device_id, org, name, status, status_at_ms FROM control.devices
    WHERE status <> 'enrolled' AND work_ended_at_ms IS NULL ORDER BY status_at_ms LIMIT 50`,
);

/** The longest stopped first. */
export async function listDevicesToEnd(q: Queryable): Promise<StoppedDevice[]> {
  const rows = await q.query<{
    device_id: string;
    org: string;
    name: string;
    status: string;
    status_at_ms: bigint;
  }>(LIST, []);
  return rows.map((row) => ({
    deviceId: row.device_id,
    org: row.org,
    name: row.name,
    status: row.status,
    statusAtMs: Number(row.status_at_ms),
  }));
}

// Unless its status has changed meanwhile: then there may be work again.
const MARK = statement(
  "device_work.mark",
  "UPDATE control.devices SET work_ended_at_ms = $3 WHERE device_id = $1 AND status_at_ms = $2",
);

export async function markWorkEnded(
  q: Queryable,
  { deviceId, statusAtMs }: StoppedDevice,
  nowMs: number,
): Promise<void> {
  await q.query(MARK, [deviceId, statusAtMs, nowMs]);
}
