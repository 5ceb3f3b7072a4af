// Holding a job: the lease is renewed while the work goes on. When it is lost,
// the work is worth nothing any more and stops.

import { ProblemError, type Job, type Lease } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import type { RuntimeClients } from "../clients.ts";
import type { Pause } from "../pause.ts";

/** Never hammer, whatever the server says. */
const RENEW_EVERY_MS_MIN = 100;

/**
 * Run `work` while renewing the lease. The signal that it gets aborts when the
 * outer one does or when the lease is lost (`lease_lost`). A renewal that does
 * not reach the runtime is tried again at the next turn.
 */
export async function whileLeased<T>(
  deps: { readonly jobs: Pick<RuntimeClients["jobs"], "renewLease">; readonly pause: Pause },
  job: Job,
  lease: Lease,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const done = new AbortController();
  const everyMs = Math.max(RENEW_EVERY_MS_MIN, Number(lease.renewEveryMs));
  const renew = async () => {
    while (await deps.pause(everyMs, done.signal)) {
      try {
        await deps.jobs.renewLease({ jobId: job.jobId, leaseId: lease.leaseId }, { signal: done.signal });
      } catch (cause) {
        if (isFinal(cause)) {
          lost.abort(new AutopilotError("lease_lost", `The lease of ${job.jobId} is lost.`, { cause }));
          return;
        }
      }
    }
  };
  const renewing = renew();
  try {
    return await work(AbortSignal.any([outer, lost.signal]));
  } finally {
    done.abort();
    await renewing;
  }
}

/** Whether asking again cannot help: the runtime heard us and said no. */
export function isFinal(cause: unknown): boolean {
  return cause instanceof ProblemError && cause.status >= 400 && cause.status < 500 && cause.status !== 429;
}
