// What a provider did, kept from one start to the next for those who ask how it goes.

import type { ProviderEvent } from "@openagents/autopilot";
import { readIfExists, writePrivateFile } from "../private-files.ts";
import type { ProviderSeat } from "./provider-seat.ts";

export type LastJob = {
  readonly jobId: string;
  /** RFC 3339. */
  readonly endedAt: string;
  /** `lost`: the lease lapsed or the report was refused. */
  readonly outcome: "result" | "failure" | "lost";
  /** The code of a failure, or why the work was lost. */
  readonly detail?: string;
};

export type Activity = {
  /** As which worker it sold last. */
  readonly workerId?: string;
  /** Jobs reported with a result. */
  readonly jobsDone: number;
  /** Jobs given back with a reason. */
  readonly jobsFailed: number;
  readonly jobsLost: number;
  /** Jobs in work; meaningless once the provider is gone. */
  readonly working: readonly string[];
  readonly lastJob?: LastJob;
};

export const noActivity: Activity = { jobsDone: 0, jobsFailed: 0, jobsLost: 0, working: [] };

/** What is known after an event. Pure. */
export function nextActivity(activity: Activity, event: ProviderEvent, nowMs: number): Activity {
  const ended = (jobId: string, outcome: LastJob["outcome"], detail?: string) => ({
    working: activity.working.filter((id) => id !== jobId),
    lastJob: {
      jobId,
      endedAt: new Date(nowMs).toISOString(),
      outcome,
      ...(detail === undefined ? {} : { detail }),
    },
  });
  switch (event.type) {
    case "job_claimed":
      return { ...activity, working: [...activity.working, event.job.jobId] };
    case "job_reported":
      return event.outcome === "result"
        ? { ...activity, ...ended(event.jobId, "result"), jobsDone: activity.jobsDone + 1 }
        : { ...activity, ...ended(event.jobId, "failure", event.code), jobsFailed: activity.jobsFailed + 1 };
    case "job_lost":
      return { ...activity, ...ended(event.jobId, "lost", event.detail), jobsLost: activity.jobsLost + 1 };
    case "registered":
      return { ...activity, workerId: event.workerId };
    case "trouble":
      return activity;
  }
}

/** A file that cannot be read counts for nothing: it only tells people how it went. */
export function readActivity(seat: ProviderSeat): Activity {
  try {
    const { worker_id, jobs_done, jobs_failed, jobs_lost, working, last_job } = JSON.parse(
      readIfExists(seat.activity) ?? "",
    );
    const counts = [jobs_done, jobs_failed, jobs_lost];
    if (!counts.every((count) => Number.isSafeInteger(count)) || !Array.isArray(working)) return noActivity;
    return {
      ...(typeof worker_id === "string" ? { workerId: worker_id } : {}),
      jobsDone: jobs_done,
      jobsFailed: jobs_failed,
      jobsLost: jobs_lost,
      working: working.map(String),
      ...(last_job === undefined ? {} : { lastJob: parseLastJob(last_job) }),
    };
  } catch {
    return noActivity;
  }
}

export function writeActivity(seat: ProviderSeat, activity: Activity): void {
  writePrivateFile(seat.activity, `${JSON.stringify(activityToWire(activity))}\n`);
}

/** In the names of the wire. */
export function activityToWire({ workerId, jobsDone, jobsFailed, jobsLost, working, lastJob }: Activity) {
  return {
    worker_id: workerId,
    jobs_done: jobsDone,
    jobs_failed: jobsFailed,
    jobs_lost: jobsLost,
    working,
    ...(lastJob === undefined
      ? {}
      : {
          last_job: {
            job_id: lastJob.jobId,
            ended_at: lastJob.endedAt,
            outcome: lastJob.outcome,
            detail: lastJob.detail,
          },
        }),
  };
}

function parseLastJob(value: {
  job_id: unknown;
  ended_at: unknown;
  outcome: unknown;
  detail?: unknown;
}): LastJob {
  const { job_id, ended_at, outcome, detail } = value;
  if (outcome !== "result" && outcome !== "failure" && outcome !== "lost") throw new Error("not an outcome");
  return {
    jobId: String(job_id),
    endedAt: String(ended_at),
    outcome,
    ...(typeof detail === "string" ? { detail } : {}),
  };
}
