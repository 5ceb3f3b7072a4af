import type { Toolchain, WorkerRole, WorkerStatus } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { capsFromText, capsText } from "./caps.ts";
import { bandsFromText, bandsText } from "./price-bands.ts";
import type { Worker } from "./worker.ts";

type WorkerRow = {
  worker_id: string;
  org: string;
  owner: string;
  display_name: string;
  roles: WorkerRole[];
  status: WorkerStatus;
  capabilities: string[];
  price_msats: bigint;
  caps: string;
  toolchains: string;
  zone_tenths: number;
  account: string;
  last_heartbeat_at_ms: bigint;
  created_at_ms: bigint;
  strikes: number;
  quarantined: boolean;
  execution_price_msats: bigint | null;
  price_bands: string;
  endpoint_url: string | null;
};

const COLUMNS = `worker_id, org, owner, display_name, roles, status, capabilities, price_msats, caps,
  toolchains, zone_tenths, last_heartbeat_at_ms, created_at_ms, strikes, quarantined, account,
  execution_price_msats, price_bands, endpoint_url`;

function workerOf(row: WorkerRow): Worker {
  return {
    workerId: row.worker_id,
    org: row.org,
    owner: row.owner,
    displayName: row.display_name,
    roles: row.roles,
    status: row.status,
    capabilities: row.capabilities,
    priceMsats: row.price_msats,
    caps: capsFromText(row.caps),
    toolchains: JSON.parse(row.toolchains) as Toolchain[],
    zoneTenths: row.zone_tenths,
    account: row.account,
    lastHeartbeatAtMs: Number(row.last_heartbeat_at_ms),
    createdAtMs: Number(row.created_at_ms),
    strikes: row.strikes,
    quarantined: row.quarantined,
    executionPriceMsats: row.execution_price_msats ?? undefined,
    priceBands: bandsFromText(row.price_bands),
    endpointUrl: row.endpoint_url ?? undefined,
  };
}

const LOCK = statement(
  "workers.lock",
  `SELECT ${COLUMNS} FROM runtime.workers WHERE worker_id = $1 FOR NO KEY UPDATE`,
);

export async function lockWorker(tx: Tx, workerId: string): Promise<Worker | undefined> {
  const [row] = await tx.query<WorkerRow>(LOCK, [workerId]);
  return row === undefined ? undefined : workerOf(row);
}

const FIND = statement("workers.find", `SELECT ${COLUMNS} FROM runtime.workers WHERE worker_id = $1`);

export async function findWorker(q: Queryable, workerId: string): Promise<Worker | undefined> {
  const [row] = await q.query<WorkerRow>(FIND, [workerId]);
  return row === undefined ? undefined : workerOf(row);
}

const LIST = statement(
  "workers.list",
  `SELECT ${COLUMNS} FROM runtime.workers WHERE org = $1 AND worker_id < $2 ORDER BY worker_id DESC LIMIT $3`,
);

export async function listWorkers(
  q: Queryable,
  org: string,
  beforeWorkerId: string,
  limit: number,
): Promise<Worker[]> {
  return (await q.query<WorkerRow>(LIST, [org, beforeWorkerId, limit])).map(workerOf);
}

const LIST_OWNED_BY = statement(
  "workers.list_owned_by",
  `SELECT ${COLUMNS} FROM runtime.workers WHERE owner = $1 ORDER BY worker_id DESC LIMIT $2`,
);

const OWNED_MAX = 1_000;

/** The newest workers of one owner, in whichever organisation. */
export async function listWorkersOwnedBy(q: Queryable, owner: string): Promise<Worker[]> {
  return (await q.query<WorkerRow>(LIST_OWNED_BY, [owner, OWNED_MAX])).map(workerOf);
}

const LIST_FRESH_PROVIDERS = statement(
  "workers.list_fresh_providers",
  `SELECT ${COLUMNS} FROM runtime.workers
    WHERE status = 'running' AND last_heartbeat_at_ms >= $1 AND roles @> ARRAY['provider']
    ORDER BY worker_id LIMIT $2`,
);

/** Running providers of every organisation with a heartbeat at or after `sinceMs`. */
export async function listFreshProviders(q: Queryable, sinceMs: number, limit: number): Promise<Worker[]> {
  return (await q.query<WorkerRow>(LIST_FRESH_PROVIDERS, [sinceMs, limit])).map(workerOf);
}

const FIND_STRIKES = statement(
  "workers.find_strikes",
  `SELECT coalesce(max(strikes), 0) AS strikes, coalesce(bool_or(quarantined), false) AS quarantined
     FROM (SELECT strikes, quarantined FROM runtime.workers
            WHERE org = $1 ORDER BY worker_id FOR SHARE) AS of_org`,
);

/** What the workers of an organisation have, all of them alike; nobody changes it until the transaction ends. */
export async function findStrikes(
  tx: Tx,
  org: string,
): Promise<{ readonly strikes: number; readonly quarantined: boolean }> {
  const [row] = await tx.query<{ strikes: number; quarantined: boolean }>(FIND_STRIKES, [org]);
  return row ?? { strikes: 0, quarantined: false };
}

const LOCK_ORG = statement(
  "workers.lock_org",
  `SELECT worker_id FROM runtime.workers WHERE org = $1 ORDER BY worker_id FOR NO KEY UPDATE`,
);

/** Lock every worker of an organisation, whose strikes are one number. */
export async function lockWorkersOf(tx: Tx, org: string): Promise<void> {
  await tx.query(LOCK_ORG, [org]);
}

/** Insert, or replace all but id, owner, birth and strikes. */
export function upsertWorker(worker: Worker): Write {
  return {
    name: "workers.upsert",
    text: `INSERT INTO runtime.workers (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
           ON CONFLICT (worker_id) DO UPDATE SET
             display_name = excluded.display_name, roles = excluded.roles, status = excluded.status,
             capabilities = excluded.capabilities, price_msats = excluded.price_msats, caps = excluded.caps,
             toolchains = excluded.toolchains, zone_tenths = excluded.zone_tenths,
             account = excluded.account,
             last_heartbeat_at_ms = excluded.last_heartbeat_at_ms,
             execution_price_msats = excluded.execution_price_msats, price_bands = excluded.price_bands,
             endpoint_url = excluded.endpoint_url`,
    values: [
      worker.workerId,
      worker.org,
      worker.owner,
      worker.displayName,
      worker.roles,
      worker.status,
      worker.capabilities,
      worker.priceMsats,
      capsText(worker.caps),
      JSON.stringify(worker.toolchains),
      worker.zoneTenths,
      worker.lastHeartbeatAtMs,
      worker.createdAtMs,
      worker.strikes,
      worker.quarantined,
      worker.account,
      worker.executionPriceMsats ?? null,
      bandsText(worker.priceBands),
      worker.endpointUrl ?? null,
    ],
  };
}

/** Strikes are the organisation's: every worker of it has them, so that another name or key washes nothing off. */
export function markStrikes(org: string, strikes: number, quarantined: boolean): Write {
  return {
    name: "workers.mark_strikes",
    text: "UPDATE runtime.workers SET strikes = $2, quarantined = $3 WHERE org = $1",
    values: [org, strikes, quarantined],
  };
}
