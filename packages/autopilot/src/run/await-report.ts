// Waiting for a job: how long a provider is believed in.

import type { Job } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { reading } from "../clients.ts";
import type { Buyer } from "./session.ts";

const POLL_MS_MIN = 50;
const POLL_MS_MAX = 500;

/** A living provider renews its lease every 10 s, so a job that stands still this long has none. */
const STILL_MS_MAX = 90_000;

/** A provider that is there and busy is waited for this long. */
const QUEUE_MS_MAX = 3_600_000;

/**
 * Beyond what the limits allow. Fetching, unpacking and handing in are in it, and it is
 * longer than the runtime lets a provider keep the job, so that who gives up then has the money back.
 */
const OVERHEAD_MS = 660_000;

/**
 * Wait until a provider has reported. Throws `job_canceled` when it lost the job,
 * `job_stuck` when nothing happens to the job for long and its provider is away, and
 * `job_overdue` when it takes longer than its limits allow.
 */
export async function awaitReport(
  buyer: Omit<Buyer, "steps">,
  jobId: string,
  say: (detail: string) => void,
): Promise<Job> {
  const { clients, pause, nowMs, signal } = buyer;
  const startedMs = nowMs();
  let changedMs = startedMs;
  let leasedMs: number | undefined;
  let before: Job | undefined;
  for (let waitMs = POLL_MS_MIN; ; waitMs = Math.min(POLL_MS_MAX, waitMs * 1.5)) {
    const { job } = await reading(() => clients.jobs.getJob({ jobId }, { signal }), signal, pause);
    if (job.status === "canceled")
      throw new AutopilotError(
        "job_canceled",
        `${jobId} was called off, because its provider may work no more.`,
      );
    if (job.status !== "queued" && job.status !== "leased") return job;
    if (job.updatedAt !== before?.updatedAt || job.status !== before.status) changedMs = nowMs();
    if (job.status !== before?.status) {
      say(job.status === "leased" ? "the provider works on it" : "waits for its provider");
      leasedMs = job.status === "leased" ? nowMs() : undefined;
    }
    before = job;
    if (nowMs() - changedMs > STILL_MS_MAX) {
      const isBusy =
        job.status === "queued" && nowMs() - startedMs < QUEUE_MS_MAX && (await takesJobs(buyer, job));
      if (!isBusy) {
        throw new AutopilotError(
          "job_stuck",
          `Nothing has happened to ${jobId} for ${STILL_MS_MAX / 1000} s; its provider seems to be away.`,
        );
      }
      say("waits for its provider, which is busy");
      changedMs = nowMs();
    }
    if (leasedMs !== undefined && nowMs() - leasedMs > workMs(job) + OVERHEAD_MS)
      throw new AutopilotError("job_overdue", `${jobId} takes longer than its limits allow.`);
    await pause(waitMs, signal);
    signal.throwIfAborted();
  }
}

/** As long as its own limits let the work take. */
function workMs({ spec, repoIndex, repeats }: Job): number {
  const legsMs = spec === undefined ? 0 : 3 * spec.commands.length * Number(spec.limits.wallMs);
  return (legsMs + Number(repoIndex?.wallMs ?? 0n)) * Math.max(1, repeats);
}

/** Whether the provider takes jobs now, so that a job that waits for it will have its turn. */
async function takesJobs({ clients, pause, signal }: Omit<Buyer, "steps">, job: Job): Promise<boolean> {
  const { providers } = await reading(() => clients.marketplace.listProviders({}, { signal }), signal, pause);
  return providers.some(({ workerId, quarantined }) => workerId === job.providerWorkerId && !quarantined);
}
