import type { Command } from "@openagents/authority";
import type { Job } from "../jobs/index.ts";
import type { Worker } from "../workers/index.ts";

export const PROVIDER_PUSH = "provider.push";

/**
 * Have a worker told that a job waits for it, once what offers the job is
 * committed. Nothing for a worker that named no address. The job is the
 * worker's to claim whatever comes of it.
 */
export function intendPush(
  command: Command,
  worker: Pick<Worker, "workerId" | "org" | "endpointUrl">,
  job: Pick<Job, "jobId">,
  nowMs: number,
): void {
  if (worker.endpointUrl === undefined) return;
  command.intend(
    {
      kind: PROVIDER_PUSH,
      subject: job.jobId,
      payload: { worker_id: worker.workerId },
      // A job has one provider at a time and never comes back to one, so each is told once.
      effectKey: pushKey(job.jobId, worker.workerId),
      // Where its address is, and what went wrong there, is its owner's affair and not the buyer's.
      tenant: worker.org,
      answers: false,
    },
    nowMs,
  );
}

/** What the outside world tells repeats of a push by. */
export function pushKey(jobId: string, workerId: string): string {
  return `${jobId}:${workerId}`;
}
