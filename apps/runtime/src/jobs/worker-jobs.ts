// A worker's jobs as its owner sees them: what became of each, and why it was not paid.

import type { WorkerJob, WorkerJobStatus } from "@openagents/contracts";
import { statement, type Queryable } from "@openagents/postgres";
import { describeWithheld } from "../statements/index.ts";

type Row = {
  job_id: string;
  job_hash: string;
  moved_because: string | null;
  status: "queued" | "leased" | "reported" | "verified" | "settled" | "canceled";
  failure: string | null;
  verdict: string | null;
  settled: "released" | "withheld" | null;
  paid_msats: bigint | null;
  withheld_reason: string | null;
  created_at_ms: bigint;
};

// What a job that repeats another one comes to stands with that other one.
const LIST = statement(
  "jobs.list_of_worker",
  `WITH mine AS (
     (SELECT job_id, NULL AS moved_because FROM runtime.jobs
       WHERE provider_worker_id = $1 AND job_id < $2 ORDER BY job_id DESC LIMIT $3)
     UNION ALL
     (SELECT job_id, because FROM runtime.job_moves
       WHERE from_worker_id = $1 AND job_id < $2 ORDER BY job_id DESC LIMIT $3)
     ORDER BY job_id DESC LIMIT $3)
   SELECT j.job_id, j.job_hash, m.moved_because, j.status, j.failure, j.created_at_ms, v.verdict,
          s.status AS settled, s.withheld_reason,
          CASE WHEN j.purpose = 'work' THEN s.provider_msats
               WHEN v.second_job_id = j.job_id THEN s.second_opinion_msats ELSE 0 END AS paid_msats
     FROM mine m JOIN runtime.jobs j ON j.job_id = m.job_id
     LEFT JOIN runtime.verifications v ON v.job_id = coalesce(j.primary_job_id, j.job_id)
     LEFT JOIN runtime.settlements s ON s.job_id = coalesce(j.primary_job_id, j.job_id)
    ORDER BY j.job_id DESC`,
);

/** Newest first, those before `beforeJobId`, the ones that went to another provider among them. */
export async function listWorkerJobs(
  q: Queryable,
  workerId: string,
  beforeJobId: string,
  limit: number,
): Promise<WorkerJob[]> {
  return (await q.query<Row>(LIST, [workerId, beforeJobId, limit])).map(messageOf);
}

function messageOf(row: Row): WorkerJob {
  const moved = row.moved_because !== null;
  const status: WorkerJobStatus = moved ? "reassigned" : row.status;
  const paidMsats = moved ? 0n : (row.paid_msats ?? 0n);
  const unpaidBecause = paidMsats > 0n ? undefined : whyUnpaid(row);
  return {
    jobId: row.job_id,
    jobHash: row.job_hash,
    status,
    // A verdict that somebody else's work came to is not this worker's.
    verdict: moved ? undefined : (row.verdict ?? undefined),
    paidMsats,
    withheldReason: moved ? undefined : (row.withheld_reason ?? undefined),
    unpaidBecause,
    createdAt: Number(row.created_at_ms),
  };
}

function whyUnpaid(row: Row): string | undefined {
  if (row.moved_because !== null)
    return MOVED[row.moved_because] ?? "The job went to another provider, who is paid for it.";
  if (row.status === "canceled") return "The job was called off before it was handed in.";
  if (row.settled === null) return row.failure === null ? undefined : "The worker could not do the job.";
  if (row.withheld_reason === null)
    return "Nothing was paid for this run, since it was not needed or gave no answer.";
  return describeWithheld(row.withheld_reason);
}

const MOVED: Readonly<Record<string, string>> = {
  lease_lapsed: "The lease lapsed without being renewed, and the job went to another provider.",
  provider_failed: "The worker failed for a reason of its own, and the job went to another provider.",
  provider_stopped: "The worker stopped before the work was done, and the job went to another provider.",
  not_taken: "The worker did not take the job in time, and it went to another provider.",
};
