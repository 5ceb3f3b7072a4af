import type { AutopilotStatus, AutopilotVisibility } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { canonicalize, type JsonObject } from "@openagents/receipts";
import type { Autopilot, AutopilotProfile } from "./autopilot.ts";

type AutopilotRow = {
  autopilot_id: string;
  org: string;
  owner: string;
  handle: string;
  display_name: string;
  tagline: string;
  status: AutopilotStatus;
  visibility: AutopilotVisibility;
  config_version: bigint;
  profile: string;
  tools_allowed: string[];
  tools_denied: string[];
  spend_per_call_msats_max: bigint | null;
  spend_per_day_msats_max: bigint | null;
  spend_per_month_msats_max: bigint | null;
  approval_over_msats: bigint | null;
  writes_without_approval: boolean;
  hosts_allowed: string[];
  fallback_order: string[];
  worker_id: string | null;
  created_at_ms: bigint;
  updated_at_ms: bigint;
};

const COLUMNS = `autopilot_id, org, owner, handle, display_name, tagline, status, visibility, config_version,
  profile, tools_allowed, tools_denied, spend_per_call_msats_max, spend_per_day_msats_max,
  spend_per_month_msats_max, approval_over_msats, writes_without_approval, hosts_allowed, fallback_order,
  worker_id, created_at_ms, updated_at_ms`;

function autopilotOf(row: AutopilotRow): Autopilot {
  return {
    autopilotId: row.autopilot_id,
    org: row.org,
    owner: row.owner,
    handle: row.handle,
    displayName: row.display_name,
    tagline: row.tagline,
    status: row.status,
    visibility: row.visibility,
    configVersion: row.config_version,
    profile: JSON.parse(row.profile) as AutopilotProfile,
    policy: {
      toolsAllowed: row.tools_allowed,
      toolsDenied: row.tools_denied,
      spendPerCallMsatsMax: row.spend_per_call_msats_max ?? undefined,
      spendPerDayMsatsMax: row.spend_per_day_msats_max ?? undefined,
      spendPerMonthMsatsMax: row.spend_per_month_msats_max ?? undefined,
      approvalOverMsats: row.approval_over_msats ?? undefined,
      writesWithoutApproval: row.writes_without_approval,
      hostsAllowed: row.hosts_allowed,
      fallbackOrder: row.fallback_order,
    },
    workerId: row.worker_id ?? undefined,
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
  };
}

const FIND = statement(
  "autopilots.find",
  `SELECT ${COLUMNS} FROM control.autopilots
    WHERE org = $1 AND owner = $2 AND (autopilot_id = $3 OR handle = $3)`,
);

/** One of an owner's, by its id or its handle. */
export async function findAutopilot(
  q: Queryable,
  org: string,
  owner: string,
  ref: string,
): Promise<Autopilot | undefined> {
  const [row] = await q.query<AutopilotRow>(FIND, [org, owner, ref]);
  return row === undefined ? undefined : autopilotOf(row);
}

const GET = statement("autopilots.get", `SELECT ${COLUMNS} FROM control.autopilots WHERE autopilot_id = $1`);

/** Whoever's it is; for what this service does by itself. */
export async function getAutopilot(q: Queryable, autopilotId: string): Promise<Autopilot> {
  const [row] = await q.query<AutopilotRow>(GET, [autopilotId]);
  if (row === undefined) throw new Error(`there is no autopilot ${autopilotId}`);
  return autopilotOf(row);
}

const LOCK = statement("autopilots.lock", `${FIND.text} FOR NO KEY UPDATE`);

export async function lockAutopilot(
  tx: Tx,
  org: string,
  owner: string,
  ref: string,
): Promise<Autopilot | undefined> {
  const [row] = await tx.query<AutopilotRow>(LOCK, [org, owner, ref]);
  return row === undefined ? undefined : autopilotOf(row);
}

const LIST = statement(
  "autopilots.list",
  `SELECT ${COLUMNS} FROM control.autopilots
    WHERE org = $1 AND owner = $2 AND autopilot_id < $3 ORDER BY autopilot_id DESC LIMIT $4`,
);

export async function listAutopilots(
  q: Queryable,
  org: string,
  owner: string,
  before: string,
  limit: number,
): Promise<Autopilot[]> {
  return (await q.query<AutopilotRow>(LIST, [org, owner, before, limit])).map(autopilotOf);
}

// A handle that is not taken yet has no row to lock.
const LOCK_HANDLE = statement(
  "autopilots.lock_handle",
  "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 43))",
);

const FIND_HANDLE = statement(
  "autopilots.find_handle",
  "SELECT true AS taken FROM control.autopilots WHERE org = $1 AND handle = $2",
);

/** Whether an organisation has the handle; it stays so until the transaction ends. */
export async function lockHandle(tx: Tx, org: string, handle: string): Promise<boolean> {
  await tx.query(LOCK_HANDLE, [org, handle]);
  return (await tx.query(FIND_HANDLE, [org, handle])).length > 0;
}

/** Insert, or replace all but id, owner, handle and birth. */
export function upsertAutopilot(autopilot: Autopilot): Write {
  const { policy } = autopilot;
  return {
    name: "autopilots.upsert",
    text: `INSERT INTO control.autopilots (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                   $21, $22)
           ON CONFLICT (autopilot_id) DO UPDATE SET
             display_name = excluded.display_name, tagline = excluded.tagline, status = excluded.status,
             visibility = excluded.visibility, config_version = excluded.config_version,
             profile = excluded.profile, tools_allowed = excluded.tools_allowed,
             tools_denied = excluded.tools_denied,
             spend_per_call_msats_max = excluded.spend_per_call_msats_max,
             spend_per_day_msats_max = excluded.spend_per_day_msats_max,
             spend_per_month_msats_max = excluded.spend_per_month_msats_max,
             approval_over_msats = excluded.approval_over_msats,
             writes_without_approval = excluded.writes_without_approval,
             hosts_allowed = excluded.hosts_allowed, fallback_order = excluded.fallback_order,
             worker_id = excluded.worker_id, updated_at_ms = excluded.updated_at_ms`,
    values: [
      autopilot.autopilotId,
      autopilot.org,
      autopilot.owner,
      autopilot.handle,
      autopilot.displayName,
      autopilot.tagline,
      autopilot.status,
      autopilot.visibility,
      autopilot.configVersion,
      canonicalize(autopilot.profile as JsonObject),
      policy.toolsAllowed,
      policy.toolsDenied,
      policy.spendPerCallMsatsMax ?? null,
      policy.spendPerDayMsatsMax ?? null,
      policy.spendPerMonthMsatsMax ?? null,
      policy.approvalOverMsats ?? null,
      policy.writesWithoutApproval,
      policy.hostsAllowed,
      policy.fallbackOrder,
      autopilot.workerId ?? null,
      autopilot.createdAtMs,
      autopilot.updatedAtMs,
    ],
  };
}
