import {
  Jobs,
  bind,
  type Binding,
  type CommandCall,
  type CommandReply,
  type IntentStatus,
} from "@openagents/contracts";
import { decodeCursor, encodeCursor, notFound, PAGE_DEFAULT } from "@openagents/service";
import type { RateLimits } from "../rate-limits/index.ts";
import { findWorker, isOwnedBy } from "../workers/index.ts";
import { jobForProvider, jobMessage } from "./job.ts";
import { claimJob, renewLease, submitResult, type JobsDeps } from "./service.ts";
import { findJob } from "./store.ts";
import { listWorkerJobs } from "./worker-jobs.ts";

/** Sorts after every job id. */
const AFTER_ALL_JOBS = "job_g";

export type JobRoutesDeps = JobsDeps & {
  readonly limits: RateLimits;
  /** Reaches into the market, so it is built elsewhere. */
  readonly sweepLeases: (call: CommandCall) => Promise<CommandReply>;
  /** What became of telling a worker of jobs, by job; pushes know of jobs, and not the reverse. */
  readonly listPushes: (
    workerId: string,
    jobIds: readonly string[],
  ) => Promise<ReadonlyMap<string, { readonly status: IntentStatus; readonly detail: string | undefined }>>;
};

/** Who waits for its jobs limits itself; who asks again and again for none does not. */
const POLL_WAIT_MS = 1_000;

export function jobRoutes(deps: JobRoutesDeps): Binding {
  return bind(Jobs, {
    sweepLeases: (_request, call) => deps.sweepLeases(call),
    async claimJob(request, call) {
      if (request.waitMs < POLL_WAIT_MS) await deps.limits.take(call, "polls");
      return claimJob(deps, call, request);
    },

    async listWorkerJobs(request, call) {
      const worker = await findWorker(deps.db, request.workerId);
      if (worker === undefined || worker.org !== call.principal.org)
        throw notFound("worker", request.workerId);
      const before =
        request.cursor === undefined ? AFTER_ALL_JOBS : decodeCursor(request.cursor, /^job_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listWorkerJobs(deps.db, request.workerId, before, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const pushes = await deps.listPushes(
        request.workerId,
        page.map(({ jobId }) => jobId),
      );
      const jobs = page.map((job) => {
        const push = pushes.get(job.jobId);
        return push === undefined ? job : { ...job, pushStatus: push.status, pushDetail: push.detail };
      });
      return { jobs, nextCursor: last === undefined ? undefined : encodeCursor(last.jobId) };
    },
    renewLease: (request, call) => renewLease(deps, call, request),
    submitResult: (request, call) => submitResult(deps, call, request),

    // The buyer sees the job, and so does the owner of the worker that it is offered to.
    async getJob(request, call) {
      const job = await findJob(deps.db, request.jobId);
      if (job === undefined) throw notFound("job", request.jobId);
      if (job.org === call.principal.org) return { job: jobMessage(job) };
      const worker = await findWorker(deps.db, job.providerWorkerId);
      if (!isOwnedBy(worker, call.principal)) throw notFound("job", request.jobId);
      return { job: jobForProvider(job) };
    },
  });
}
