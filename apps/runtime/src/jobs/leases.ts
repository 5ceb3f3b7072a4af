// Leases as they were given, and jobs as they went from one provider to another.

import type { JobStatus } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";

export function insertLease(lease: {
  readonly leaseId: string;
  readonly jobId: string;
  readonly workerId: string;
  readonly claimedAtMs: number;
}): Write {
  return {
    name: "leases.insert",
    text: "INSERT INTO runtime.leases (lease_id, job_id, worker_id, claimed_at_ms) VALUES ($1, $2, $3, $4)",
    values: [lease.leaseId, lease.jobId, lease.workerId, lease.claimedAtMs],
  };
}

const LOCK_UNLAPSED = statement(
  "leases.lock_unlapsed",
  "SELECT lease_id FROM runtime.leases WHERE lease_id = $1 AND lapsed_at_ms IS NULL FOR NO KEY UPDATE",
);

/** Whether nobody has recorded yet that the lease lapsed: only who is told so strikes for it. */
export async function lockUnlapsed(tx: Tx, leaseId: string): Promise<boolean> {
  return (await tx.query(LOCK_UNLAPSED, [leaseId])).length > 0;
}

const SUM_CLAIMED = statement(
  "leases.sum_claimed",
  `SELECT coalesce(sum(j.price_msats), 0)::bigint AS msats FROM runtime.leases l
     JOIN runtime.jobs j ON j.job_id = l.job_id
    WHERE l.worker_id = $1 AND l.claimed_at_ms > $2`,
);

/** What the jobs that a worker claimed after `sinceMs` were ordered for. */
export async function sumClaimed(q: Queryable, workerId: string, sinceMs: number): Promise<bigint> {
  const [row] = await q.query<{ msats: bigint }>(SUM_CLAIMED, [workerId, sinceMs]);
  return row?.msats ?? 0n;
}

export function markLapsed(leaseId: string, nowMs: number): Write {
  return {
    name: "leases.mark_lapsed",
    text: "UPDATE runtime.leases SET lapsed_at_ms = $2 WHERE lease_id = $1 AND lapsed_at_ms IS NULL",
    values: [leaseId, nowMs],
  };
}

const FIND_FORMER = statement(
  "leases.find_former",
  `SELECT w.owner, w.org FROM runtime.leases l
     JOIN runtime.job_moves m ON m.job_id = l.job_id AND m.from_worker_id = l.worker_id
     JOIN runtime.workers w ON w.worker_id = l.worker_id
    WHERE l.lease_id = $1 AND l.job_id = $2`,
);

/** Who held a lease of a job that has gone to another provider since. */
export async function findFormerHolder(
  q: Queryable,
  leaseId: string,
  jobId: string,
): Promise<{ readonly owner: string; readonly org: string } | undefined> {
  const [row] = await q.query<{ owner: string; org: string }>(FIND_FORMER, [leaseId, jobId]);
  return row;
}

export type GivenLease = {
  readonly owner: string;
  readonly org: string;
  readonly status: JobStatus;
  readonly reassigned: boolean;
};

const FIND_GIVEN = statement(
  "leases.find_given",
  `SELECT w.owner, w.org, j.status, j.provider_worker_id <> l.worker_id AS reassigned
     FROM runtime.leases l
     JOIN runtime.jobs j ON j.job_id = l.job_id
     JOIN runtime.workers w ON w.worker_id = l.worker_id
    WHERE l.lease_id = $1`,
);

/** Whom a lease was given to, and what became of its job; also of one that holds no more. */
export async function findGivenLease(q: Queryable, leaseId: string): Promise<GivenLease | undefined> {
  return (await q.query<GivenLease>(FIND_GIVEN, [leaseId]))[0];
}

export type SweptJob = {
  readonly jobId: string;
  readonly org: string;
  readonly runId: string;
  readonly providerOrg: string;
  /** Where the next page begins. */
  readonly sinceMs: number;
};

type SweptRow = {
  job_id: string;
  org: string;
  run_id: string;
  provider_org: string;
  since_ms: bigint;
};

function sweptOf(row: SweptRow): SweptJob {
  return {
    jobId: row.job_id,
    org: row.org,
    runId: row.run_id,
    providerOrg: row.provider_org,
    sinceMs: Number(row.since_ms),
  };
}

const LIST_LAPSED = statement(
  "leases.list_lapsed",
  `SELECT j.job_id, j.org, j.run_id, j.provider_org, j.lease_expires_at_ms AS since_ms
     FROM runtime.jobs j JOIN runtime.leases l ON l.lease_id = j.lease_id
    WHERE j.status = 'leased' AND j.lease_expires_at_ms <= $1 AND l.lapsed_at_ms IS NULL
      AND (j.lease_expires_at_ms, j.job_id) > ($2, $3)
    ORDER BY j.lease_expires_at_ms, j.job_id LIMIT $4`,
);

/** Leases that have lapsed and that nobody has looked after, oldest first, those after `after`. */
export async function listLapsed(
  q: Queryable,
  nowMs: number,
  after: Pick<SweptJob, "sinceMs" | "jobId">,
  limit: number,
): Promise<SweptJob[]> {
  return (await q.query<SweptRow>(LIST_LAPSED, [nowMs, after.sinceMs, after.jobId, limit])).map(sweptOf);
}

const LIST_UNTAKEN = statement(
  "leases.list_untaken",
  `SELECT j.job_id, j.org, j.run_id, j.provider_org, j.offered_at_ms AS since_ms
     FROM runtime.jobs j JOIN runtime.workers w ON w.worker_id = j.provider_worker_id
    WHERE j.status = 'queued' AND j.purpose = 'work' AND j.fallback <> 'none'
      AND (w.status <> 'running' OR w.quarantined OR w.last_heartbeat_at_ms < $1 OR j.offered_at_ms <= $2)
      AND (j.offered_at_ms, j.job_id) > ($3, $4)
    ORDER BY j.offered_at_ms, j.job_id LIMIT $5`,
);

/** Orders that their provider will not take any more: it is gone, or had its time. Oldest first. */
export async function listUntaken(
  q: Queryable,
  since: { readonly heartbeatMs: number; readonly offeredMs: number },
  after: Pick<SweptJob, "sinceMs" | "jobId">,
  limit: number,
): Promise<SweptJob[]> {
  const values = [since.heartbeatMs, since.offeredMs, after.sinceMs, after.jobId, limit];
  return (await q.query<SweptRow>(LIST_UNTAKEN, values)).map(sweptOf);
}

const LIST_MOVED_FROM = statement(
  "job_moves.list_from",
  "SELECT from_worker_id FROM runtime.job_moves WHERE job_id = $1",
);

/** Whom a job was taken from; two at most. */
export async function listFormerProviders(q: Queryable, jobId: string): Promise<string[]> {
  const rows = await q.query<{ from_worker_id: string }>(LIST_MOVED_FROM, [jobId]);
  return rows.map((row) => row.from_worker_id);
}

export function insertMove(move: {
  readonly jobId: string;
  readonly fromWorkerId: string;
  readonly toWorkerId: string;
  readonly because: string;
  readonly receiptId: string;
  readonly movedAtMs: number;
}): Write {
  return {
    name: "job_moves.insert",
    text: `INSERT INTO runtime.job_moves (job_id, from_worker_id, to_worker_id, because, receipt_id, moved_at_ms)
           VALUES ($1, $2, $3, $4, $5, $6)`,
    values: [move.jobId, move.fromWorkerId, move.toWorkerId, move.because, move.receiptId, move.movedAtMs],
  };
}

const FIND_SEEN = statement("lease_watch.find", "SELECT seen_at_ms FROM runtime.lease_watch");
const LOCK_SEEN = statement(
  "lease_watch.lock",
  "SELECT seen_at_ms FROM runtime.lease_watch FOR NO KEY UPDATE",
);

/** When the runtime last looked at its leases; 0 for never. */
export async function findSeen(q: Queryable): Promise<number> {
  return seenOf(await q.query<{ seen_at_ms: bigint }>(FIND_SEEN));
}

export async function lockSeen(tx: Tx): Promise<number> {
  return seenOf(await tx.query<{ seen_at_ms: bigint }>(LOCK_SEEN));
}

function seenOf([row]: readonly { seen_at_ms: bigint }[]): number {
  return Number(row?.seen_at_ms ?? 0n);
}

export function markSeen(nowMs: number): Write {
  return {
    name: "lease_watch.mark",
    text: "UPDATE runtime.lease_watch SET seen_at_ms = $1",
    values: [nowMs],
  };
}

const LOCK_LIVE_AT = statement(
  "leases.lock_live_at",
  `SELECT job_id FROM runtime.jobs
    WHERE status = 'leased' AND lease_expires_at_ms > $1 AND lease_expires_at_ms < $2
    ORDER BY lease_expires_at_ms LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED`,
);

/** Jobs whose lease held at `liveMs` and ends before `untilMs`. */
export async function lockLeasesLiveAt(
  tx: Tx,
  liveMs: number,
  untilMs: number,
  limit: number,
): Promise<string[]> {
  const rows = await tx.query<{ job_id: string }>(LOCK_LIVE_AT, [liveMs, untilMs, limit]);
  return rows.map((row) => row.job_id);
}

export function extendLeases(jobIds: readonly string[], untilMs: number): Write {
  return {
    name: "leases.extend",
    text: "UPDATE runtime.jobs SET lease_expires_at_ms = $2 WHERE job_id = ANY ($1)",
    values: [jobIds, untilMs],
  };
}
