import type { JsonObject } from "@openagents/receipts";
import type { Job } from "./job.ts";

/** What a cancellation says of its job, in the receipt and in the run's log. */
export function canceledFacts(job: Job, reason: string): JsonObject {
  return {
    run_id: job.runId,
    job_id: job.jobId,
    job_hash: job.jobHash,
    provider_worker_id: job.providerWorkerId,
    dispatch_receipt_id: job.dispatchReceiptId,
    purpose: job.purpose,
    reason,
  };
}
