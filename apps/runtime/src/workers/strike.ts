// A provider's own fault in a job: the lease lapsed, or it failed for a reason of
// its own. An honest failing check is none. Faults that an adjudication proved are
// counted in the same number, and weigh more.

import type { Command } from "@openagents/authority";
import type { Write } from "@openagents/postgres";
import type { Worker } from "./worker.ts";

/** As many strikes quarantine for unreliability; it takes fewer where somebody lied. */
const FAILURES_MAX = 5;

export type Fault = {
  readonly because: "lease_lapsed" | "provider_failed";
  readonly job: { readonly jobId: string };
  readonly leaseId: string;
};

/**
 * Count a fault, in the database's own arithmetic: two at once are two. The
 * organisation's workers are locked, so that the receipt names the right number.
 */
export function strikeWorker(
  command: Command,
  worker: Pick<Worker, "workerId" | "org" | "owner" | "strikes" | "quarantined">,
  { because, job, leaseId }: Fault,
  nowMs: number,
): Write {
  const strikes = worker.strikes + 1;
  command.seal(
    "openagents.runtime.worker_struck.v1",
    worker.workerId,
    {
      worker_id: worker.workerId,
      owner: worker.owner,
      because,
      job_id: job.jobId,
      lease_id: leaseId,
      strikes,
      quarantined: worker.quarantined || strikes >= FAILURES_MAX,
    },
    nowMs,
    worker.org,
  );
  return {
    name: "workers.strike",
    text: `UPDATE runtime.workers
              SET strikes = strikes + 1, quarantined = quarantined OR strikes + 1 >= $2
            WHERE org = $1`,
    values: [worker.org, FAILURES_MAX],
  };
}
