import type { Fallback, JobFailure, JobPurpose, JobStatus } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";
import type { Job } from "./job.ts";
import { resultFacts, resultFromText, specFromText, specText } from "./spec.ts";

type JobRow = {
  job_id: string;
  org: string;
  run_id: string;
  job_hash: string;
  status: JobStatus;
  purpose: JobPurpose;
  primary_job_id: string | null;
  repeats: number;
  quote_id: string | null;
  reservation_id: string | null;
  provider_worker_id: string;
  provider_org: string;
  spec: string;
  inputs: string[];
  lease_id: string | null;
  lease_expires_at_ms: bigint | null;
  overdue_at_ms: bigint | null;
  result: string | null;
  failure: string | null;
  dispatch_receipt_id: string;
  completed_receipt_id: string | null;
  created_at_ms: bigint;
  updated_at_ms: bigint;
  price_msats: bigint | null;
  charged_msats: bigint | null;
  fallback: Fallback;
  offered_at_ms: bigint;
};

const COLUMNS = `job_id, org, run_id, job_hash, status, purpose, primary_job_id, repeats, quote_id, reservation_id,
  provider_worker_id, provider_org,
  spec, inputs, lease_id, lease_expires_at_ms, overdue_at_ms, result, failure, dispatch_receipt_id, completed_receipt_id,
  created_at_ms, updated_at_ms, price_msats, charged_msats, fallback, offered_at_ms`;

function jobOf(row: JobRow): Job {
  return {
    jobId: row.job_id,
    org: row.org,
    runId: row.run_id,
    jobHash: row.job_hash,
    status: row.status,
    purpose: row.purpose,
    primaryJobId: row.primary_job_id ?? undefined,
    repeats: row.repeats,
    quoteId: row.quote_id ?? undefined,
    reservationId: row.reservation_id ?? undefined,
    providerWorkerId: row.provider_worker_id,
    providerOrg: row.provider_org,
    spec: specFromText(row.spec),
    inputs: row.inputs,
    leaseId: row.lease_id ?? undefined,
    leaseExpiresAtMs: row.lease_expires_at_ms === null ? undefined : Number(row.lease_expires_at_ms),
    overdueAtMs: row.overdue_at_ms === null ? undefined : Number(row.overdue_at_ms),
    result: row.result === null ? undefined : resultFromText(row.result),
    failure: row.failure === null ? undefined : (JSON.parse(row.failure) as JobFailure),
    dispatchReceiptId: row.dispatch_receipt_id,
    completedReceiptId: row.completed_receipt_id ?? undefined,
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
    priceMsats: row.price_msats ?? undefined,
    chargedMsats: row.charged_msats ?? undefined,
    fallback: row.fallback,
    offeredAtMs: Number(row.offered_at_ms),
  };
}

const FIND = statement("jobs.find", `SELECT ${COLUMNS} FROM runtime.jobs WHERE job_id = $1`);

/** A job of any organisation: the caller decides who may see it. */
export async function findJob(q: Queryable, jobId: string): Promise<Job | undefined> {
  const [row] = await q.query<JobRow>(FIND, [jobId]);
  return row === undefined ? undefined : jobOf(row);
}

const LOCK = statement(
  "jobs.lock",
  `SELECT ${COLUMNS} FROM runtime.jobs WHERE job_id = $1 FOR NO KEY UPDATE`,
);

/** The job must exist. Lock its run first: runs come before jobs, jobs before reservations, those before accounts. */
export async function lockJob(tx: Tx, jobId: string): Promise<Job> {
  const [row] = await tx.query<JobRow>(LOCK, [jobId]);
  if (row === undefined) throw new Error(`job ${jobId} vanished`);
  return jobOf(row);
}

const FIND_BY_RESERVATION = statement(
  "jobs.find_by_reservation",
  `SELECT ${COLUMNS} FROM runtime.jobs WHERE reservation_id = $1 AND purpose = 'work'`,
);

/** The work that a reservation pays for. */
export async function findJobByReservation(q: Queryable, reservationId: string): Promise<Job | undefined> {
  const [row] = await q.query<JobRow>(FIND_BY_RESERVATION, [reservationId]);
  return row === undefined ? undefined : jobOf(row);
}

const FIND_BY_QUOTE = statement(
  "jobs.find_by_quote",
  `SELECT ${COLUMNS} FROM runtime.jobs WHERE quote_id = $1 AND purpose = 'work'`,
);

/** A quote is dispatched at most once, also when its job was called off. */
export async function findJobByQuote(q: Queryable, quoteId: string): Promise<Job | undefined> {
  const [row] = await q.query<JobRow>(FIND_BY_QUOTE, [quoteId]);
  return row === undefined ? undefined : jobOf(row);
}

const LIST_BY_PRIMARY = statement(
  "jobs.list_by_primary",
  `SELECT ${COLUMNS} FROM runtime.jobs WHERE primary_job_id = $1 AND purpose = $2 ORDER BY job_id`,
);

/** The second opinions on a job, or its adjudications, in the order in which they were asked for; a handful at most. */
export async function listJobsAbout(
  q: Queryable,
  primaryJobId: string,
  purpose: Exclude<JobPurpose, "work">,
): Promise<Job[]> {
  return (await q.query<JobRow>(LIST_BY_PRIMARY, [primaryJobId, purpose])).map(jobOf);
}

const LIST_OPEN_OF_WORKER = statement(
  "jobs.list_open_of_worker",
  `SELECT ${COLUMNS} FROM runtime.jobs
    WHERE provider_worker_id = $1 AND status IN ('queued', 'leased') ORDER BY job_id LIMIT $2`,
);

/** Offered to the worker or held by it. */
export async function listOpenJobsOf(q: Queryable, workerId: string, limit: number): Promise<Job[]> {
  return (await q.query<JobRow>(LIST_OPEN_OF_WORKER, [workerId, limit])).map(jobOf);
}

const LIST_OPEN_WORK_OF_RUN = statement(
  "jobs.list_open_work_of_run",
  `SELECT job_id FROM runtime.jobs
    WHERE run_id = $1 AND purpose = 'work' AND status IN ('queued', 'leased') ORDER BY job_id LIMIT $2`,
);

/** Ordered by a run, and not handed in. */
export async function listOpenWorkOf(q: Queryable, runId: string, limit: number): Promise<string[]> {
  return (await q.query<{ job_id: string }>(LIST_OPEN_WORK_OF_RUN, [runId, limit])).map((row) => row.job_id);
}

// SKIP LOCKED keeps two claims of one worker from waiting for each other. A
// lapsed lease is open again.
const LOCK_NEXT = statement(
  "jobs.lock_next",
  `SELECT ${COLUMNS} FROM runtime.jobs
    WHERE provider_worker_id = $1
      AND (status = 'queued' OR (status = 'leased' AND lease_expires_at_ms <= $2))
      AND (overdue_at_ms IS NULL OR overdue_at_ms > $2)
    ORDER BY job_id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
);

export async function lockNextJob(tx: Tx, workerId: string, nowMs: number): Promise<Job | undefined> {
  const [row] = await tx.query<JobRow>(LOCK_NEXT, [workerId, nowMs]);
  return row === undefined ? undefined : jobOf(row);
}

const COUNT_LEASED = statement(
  "jobs.count_leased",
  `SELECT count(*) AS leased FROM runtime.jobs
    WHERE provider_worker_id = $1 AND status = 'leased' AND lease_expires_at_ms > $2`,
);

export async function countLeased(q: Queryable, workerId: string, nowMs: number): Promise<number> {
  const [row] = await q.query<{ leased: bigint }>(COUNT_LEASED, [workerId, nowMs]);
  return Number(row?.leased ?? 0n);
}

const COUNT_OPEN = statement(
  "jobs.count_open",
  `SELECT provider_worker_id, count(*) AS open FROM runtime.jobs
    WHERE provider_worker_id = ANY($1) AND status IN ('queued', 'leased') GROUP BY provider_worker_id`,
);

/** How many jobs each of the workers has waiting or in hand; those without any are left out. */
export async function countOpenJobs(
  q: Queryable | Tx,
  workerIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (workerIds.length === 0) return new Map();
  const rows = await q.query<{ provider_worker_id: string; open: bigint }>(COUNT_OPEN, [workerIds]);
  return new Map(rows.map((row) => [row.provider_worker_id, Number(row.open)]));
}

export type LeaseHold = {
  readonly leaseId: string;
  readonly jobId: string;
  readonly owner: string;
  readonly ownerOrg: string;
  readonly buyerOrg: string;
  readonly inputs: readonly string[];
  /** The holder's, and whether the buyer chose the market: who may read the inputs. */
  readonly zoneTenths: number;
  readonly account: string;
  readonly market: boolean;
  readonly expiresAtMs: number;
};

const LOCK_LEASE = statement(
  "jobs.lock_lease",
  `SELECT job_id FROM runtime.jobs
    WHERE lease_id = $1 AND status = 'leased' AND lease_expires_at_ms > $2 FOR NO KEY UPDATE`,
);

/** Whether a job is held by the lease at `nowMs`; if so it stays that way until the transaction ends. */
export async function lockLease(tx: Tx, leaseId: string, nowMs: number): Promise<boolean> {
  return (await tx.query(LOCK_LEASE, [leaseId, nowMs])).length > 0;
}

const FIND_LEASE = statement(
  "jobs.find_lease",
  `SELECT j.job_id, w.owner, w.org AS owner_org, j.org, j.inputs, j.lease_expires_at_ms,
          w.zone_tenths, w.account, coalesce(q.market, false) AS market
     FROM runtime.jobs j JOIN runtime.workers w ON w.worker_id = j.provider_worker_id
     LEFT JOIN runtime.quotes q ON q.quote_id = j.quote_id
    WHERE j.lease_id = $1 AND j.status = 'leased'`,
);

/** What a lease covers and whose it is; undefined when no job is held by it. */
export async function findLease(q: Queryable, leaseId: string): Promise<LeaseHold | undefined> {
  type Row = {
    job_id: string;
    owner: string;
    owner_org: string;
    org: string;
    inputs: string[];
    lease_expires_at_ms: bigint;
    zone_tenths: number;
    account: string;
    market: boolean;
  };
  const [row] = await q.query<Row>(FIND_LEASE, [leaseId]);
  if (row === undefined) return undefined;
  return {
    leaseId,
    jobId: row.job_id,
    owner: row.owner,
    ownerOrg: row.owner_org,
    buyerOrg: row.org,
    inputs: row.inputs,
    zoneTenths: row.zone_tenths,
    account: row.account,
    market: row.market,
    expiresAtMs: Number(row.lease_expires_at_ms),
  };
}

export function insertJob(job: Job): Write {
  return {
    name: "jobs.insert",
    text: `INSERT INTO runtime.jobs (job_id, org, run_id, job_hash, status, purpose, primary_job_id, repeats,
             quote_id, reservation_id, provider_worker_id, provider_org, spec, inputs, dispatch_receipt_id,
             created_at_ms, updated_at_ms, price_msats, fallback, offered_at_ms)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
    values: [
      job.jobId,
      job.org,
      job.runId,
      job.jobHash,
      job.status,
      job.purpose,
      job.primaryJobId ?? null,
      job.repeats,
      job.quoteId ?? null,
      job.reservationId ?? null,
      job.providerWorkerId,
      job.providerOrg,
      specText(job.spec),
      job.inputs,
      job.dispatchReceiptId,
      job.createdAtMs,
      job.updatedAtMs,
      job.priceMsats ?? null,
      job.fallback,
      job.offeredAtMs,
    ],
  };
}

export function updateJob(job: Job): Write {
  return {
    name: "jobs.update",
    text: `UPDATE runtime.jobs
              SET status = $2, lease_id = $3, lease_expires_at_ms = $4, result = $5, failure = $6,
                  completed_receipt_id = $7, updated_at_ms = $8, overdue_at_ms = $9, charged_msats = $10,
                  provider_worker_id = $11, provider_org = $12, offered_at_ms = $13
            WHERE job_id = $1`,
    values: [
      job.jobId,
      job.status,
      job.leaseId ?? null,
      job.leaseExpiresAtMs ?? null,
      job.result === undefined ? null : canonicalize(resultFacts(job.result)),
      job.failure === undefined ? null : JSON.stringify(job.failure),
      job.completedReceiptId ?? null,
      job.updatedAtMs,
      job.overdueAtMs ?? null,
      job.chargedMsats ?? null,
      job.providerWorkerId,
      job.providerOrg,
      job.offeredAtMs,
    ],
  };
}
