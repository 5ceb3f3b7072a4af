// What a job is, and who may move it. Pure.
//
// JOB-1  One live lease at a time; a lapsed lease hands in nothing.
// JOB-2  A result is handed in at most once.
// JOB-3  A job settles only after it was verified.
// Held by tests/main-job.pg.test.ts.

import type {
  Job as JobMessage,
  JobFailure,
  JobStatus,
  SandboxRunResult,
  SandboxRunSpec,
} from "@openagents/contracts";

export type Job = {
  readonly jobId: string;
  readonly org: string;
  readonly runId: string;
  readonly jobHash: string;
  readonly status: JobStatus;
  readonly quoteId: string;
  readonly reservationId: string;
  readonly providerWorkerId: string;
  readonly providerOrg: string;
  readonly spec: SandboxRunSpec;
  readonly inputs: readonly string[];
  readonly leaseId: string | undefined;
  readonly leaseExpiresAtMs: number | undefined;
  readonly result: SandboxRunResult | undefined;
  readonly failure: JobFailure | undefined;
  readonly dispatchReceiptId: string;
  readonly completedReceiptId: string | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** How long a lease holds without renewal. */
export const LEASE_MS = 30_000;

/** Three renewals fit into one lease, so that two may be lost. */
export const RENEW_EVERY_MS = 10_000;

export type LeaseRefusal = "result_already_submitted" | "lease_lapsed";

/** Whether the holder of `leaseId` still holds the job. Reasons in order of precedence. */
export function checkLease(job: Job, leaseId: string, nowMs: number): LeaseRefusal | undefined {
  if (job.status !== "leased" && job.status !== "queued") return "result_already_submitted";
  if (job.leaseId !== leaseId || (job.leaseExpiresAtMs ?? 0) <= nowMs) return "lease_lapsed";
  return undefined;
}

/** Whether a provider works on the job now, or has handed it in. */
export function isTaken(job: Job, nowMs: number): boolean {
  if (job.status === "leased") return (job.leaseExpiresAtMs ?? 0) > nowMs;
  return job.status !== "queued";
}

export function jobMessage(job: Job): JobMessage {
  return {
    jobId: job.jobId,
    runId: job.runId,
    jobHash: job.jobHash,
    status: job.status,
    quoteId: job.quoteId,
    reservationId: job.reservationId,
    providerWorkerId: job.providerWorkerId,
    spec: job.spec,
    result: job.result,
    failure: job.failure,
    leaseExpiresAt: job.leaseExpiresAtMs,
    createdAt: job.createdAtMs,
    updatedAt: job.updatedAtMs,
  };
}
