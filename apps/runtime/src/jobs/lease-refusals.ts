// Why nothing is taken under a lease. Pure.

import type { JobStatus } from "@openagents/contracts";
import type { Job } from "./job.ts";

/** In order of precedence; a lease that holds is refused only its renewal, as `job_overdue`. */
export type LeaseRefusal =
  | "job_reassigned"
  | "job_canceled"
  | "result_already_submitted"
  | "lease_lapsed"
  | "job_overdue";

/** Whether the holder of `leaseId` still holds the job. */
export function checkLease(job: Job, leaseId: string, nowMs: number): LeaseRefusal | undefined {
  const over = whyOver(job.status);
  if (over !== undefined) return over;
  if (job.leaseId !== leaseId || (job.leaseExpiresAtMs ?? 0) <= nowMs) return "lease_lapsed";
  return undefined;
}

/** Of a lease that holds no more: what became of its job. */
export function whyEnded({
  reassigned,
  status,
}: {
  readonly reassigned: boolean;
  readonly status: JobStatus;
}): LeaseRefusal {
  return reassigned ? "job_reassigned" : (whyOver(status) ?? "lease_lapsed");
}

function whyOver(status: JobStatus): LeaseRefusal | undefined {
  if (status === "canceled") return "job_canceled";
  return status === "leased" || status === "queued" ? undefined : "result_already_submitted";
}

export const LEASE_DETAILS: Readonly<Record<LeaseRefusal, string>> = {
  job_reassigned:
    "The lease has lapsed and the job went to another provider, who is paid for it. Nothing more is taken from this one; stop working on it.",
  job_canceled: "This job was called off, and nobody is paid for it. Stop working on it.",
  result_already_submitted: "This job is not open any more: its result was handed in.",
  lease_lapsed:
    "The lease has lapsed or was given to another claim, so nothing is taken under it any more. Claim again.",
  job_overdue:
    "The job has taken longer than its own limits allow, so its lease is not renewed. Hand it in before it lapses.",
};
