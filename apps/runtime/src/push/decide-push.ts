// What a push is still good for, from the job alone. Pure.

import type { Job } from "../jobs/index.ts";

export type PushState =
  /** It waits for the worker: telling it helps. */
  | "waiting"
  /** The worker took it, by whatever way it came to know of it. */
  | "claimed"
  /** Called off, or with another worker: nothing that the worker is told can come to anything. */
  | "gone";

export function decidePush(
  job: Pick<Job, "status" | "providerWorkerId"> | undefined,
  workerId: string,
): PushState {
  if (job === undefined || job.providerWorkerId !== workerId || job.status === "canceled") return "gone";
  return job.status === "queued" ? "waiting" : "claimed";
}
