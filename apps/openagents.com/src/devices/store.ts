import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { Device } from "./device.ts";

type DeviceRow = {
  device_id: string;
  public_key: string;
  org: string;
  owner_user_id: string;
  name: string;
  platform: string;
  status: string;
  enrolled_at_ms: bigint;
  status_at_ms: bigint;
  last_seen_at_ms: bigint | null;
};

const COLUMNS =
  "device_id, public_key, org, owner_user_id, name, platform, status, enrolled_at_ms, status_at_ms, last_seen_at_ms";

function deviceOf(row: DeviceRow): Device {
  return {
    deviceId: row.device_id,
    publicKey: row.public_key,
    org: row.org,
    ownerUserId: row.owner_user_id,
    name: row.name,
    platform: row.platform,
    status: row.status as Device["status"],
    enrolledAtMs: Number(row.enrolled_at_ms),
    statusAtMs: Number(row.status_at_ms),
    lastSeenAtMs: row.last_seen_at_ms === null ? undefined : Number(row.last_seen_at_ms),
  };
}

const FIND = statement("devices.find", `SELECT ${COLUMNS} FROM control.devices WHERE device_id = $1`);

// A device that is not there yet has no row to lock.
const LOCK_ID = statement("devices.lock_id", "SELECT pg_advisory_xact_lock(hashtextextended($1, 42))");

const LOCK = statement(
  "devices.lock",
  `SELECT ${COLUMNS} FROM control.devices WHERE device_id = $1 FOR UPDATE`,
);

export async function findDevice(q: Queryable, deviceId: string): Promise<Device | undefined> {
  const [row] = await q.query<DeviceRow>(FIND, [deviceId]);
  return row === undefined ? undefined : deviceOf(row);
}

/** A device, or that there is none; it stays so until the transaction ends. */
export async function lockDevice(tx: Tx, deviceId: string): Promise<Device | undefined> {
  await tx.query(LOCK_ID, [deviceId]);
  const [row] = await tx.query<DeviceRow>(LOCK, [deviceId]);
  return row === undefined ? undefined : deviceOf(row);
}

const FIND_OWNER = statement(
  "devices.find_owner",
  "SELECT owner_user_id FROM control.devices WHERE device_id = $1 AND org = $2 AND status = 'enrolled'",
);

/** Undefined for a device that is not enrolled in the organisation, or is disabled. */
export async function findDeviceOwner(
  q: Queryable,
  org: string,
  deviceId: string,
): Promise<string | undefined> {
  const [row] = await q.query<{ owner_user_id: string }>(FIND_OWNER, [deviceId, org]);
  return row?.owner_user_id;
}

const LIST = statement(
  "devices.list",
  `SELECT ${COLUMNS} FROM control.devices WHERE org = $1 AND device_id > $2 ORDER BY device_id LIMIT $3`,
);

export async function listDevices(
  q: Queryable,
  org: string,
  after: string,
  limit: number,
): Promise<Device[]> {
  return (await q.query<DeviceRow>(LIST, [org, after, limit])).map(deviceOf);
}

const LIST_OF_OWNER = statement(
  "devices.list_of_owner",
  "SELECT device_id FROM control.devices WHERE org = $1 AND owner_user_id = $2",
);

export async function listDevicesOfOwner(q: Queryable, org: string, userId: string): Promise<string[]> {
  const rows = await q.query<{ device_id: string }>(LIST_OF_OWNER, [org, userId]);
  return rows.map((row) => row.device_id);
}

export function insertDevice(device: Device): Write {
  return {
    name: "devices.insert",
    text: `INSERT INTO control.devices (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    values: [
      device.deviceId,
      device.publicKey,
      device.org,
      device.ownerUserId,
      device.name,
      device.platform,
      device.status,
      device.enrolledAtMs,
      device.statusAtMs,
      device.lastSeenAtMs ?? null,
    ],
  };
}

export function markStatus(deviceId: string, status: Device["status"], nowMs: number): Write {
  return {
    name: "devices.mark_status",
    // What it works on from now on has not ended.
    text: "UPDATE control.devices SET status = $2, status_at_ms = $3, work_ended_at_ms = NULL WHERE device_id = $1",
    values: [deviceId, status, nowMs],
  };
}

const MARK_SEEN = statement(
  "devices.mark_seen",
  "UPDATE control.devices SET last_seen_at_ms = $2 WHERE device_id = $1",
);

export async function markSeen(tx: Tx, deviceId: string, nowMs: number): Promise<void> {
  await tx.query(MARK_SEEN, [deviceId, nowMs]);
}

const TAKE = statement(
  "devices.take_challenge",
  `INSERT INTO control.answered_challenges (nonce, expires_at_ms) VALUES ($1, $2)
   ON CONFLICT DO NOTHING RETURNING nonce`,
);

/** False when it was answered before. Of two at once, one waits for the other and is told so. */
export async function takeChallenge(
  tx: Tx,
  { nonce, expiresAtMs }: { readonly nonce: string; readonly expiresAtMs: number },
): Promise<boolean> {
  return (await tx.query(TAKE, [nonce, expiresAtMs])).length === 1;
}

const FORGET = statement(
  "devices.forget_challenges",
  "DELETE FROM control.answered_challenges WHERE expires_at_ms < $1",
);

/** Challenges whose time is over are refused for that. */
export async function forgetChallenges(q: Queryable, nowMs: number): Promise<void> {
  await q.query(FORGET, [nowMs]);
}
