// Whether something still rests on a reservation whose time is over.
//
// Pure. What a provider may still be paid for keeps the money, however long it
// takes; what nobody works on or may begin any more does not.

import type { ReservationLeftReason } from "@openagents/contracts";
import { hasWaitedTooLong, isTaken, type Job } from "../jobs/index.ts";

/** Why it is left as it is; undefined: its money goes back. */
export function whyLeft(job: Job | undefined, nowMs: number): ReservationLeftReason | undefined {
  switch (job?.status) {
    case undefined:
    case "canceled":
      return undefined;
    case "queued":
    case "leased":
      if (isTaken(job, nowMs)) return "job_held";
      return hasWaitedTooLong(job, nowMs) ? undefined : "job_waiting";
    case "reported":
      return "job_reported";
    case "verified":
      return "job_verified";
    case "settled":
      throw new Error(`${job.jobId} is settled and its reservation is still open`);
  }
}
