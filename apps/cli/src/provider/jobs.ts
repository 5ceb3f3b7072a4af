// A provider's jobs, as the runtime tells them to their worker's owner.

import { findSeller, readActivity } from "@openagents/stack";
import type { WorkerJob } from "@openagents/contracts";
import { CliError } from "../cli-error.ts";
import { formatSats, formatTime, printable, renderTable, type Style } from "../terminal/index.ts";
import type { Identity } from "./identity.ts";

/** The newest ones. Throws `provider_unknown` where this computer never sold. */
export async function listJobs(identity: Identity, limit: number): Promise<readonly WorkerJob[]> {
  const workerId = findSeller(identity.seat)?.workerId ?? readActivity(identity.seat).workerId;
  if (workerId === undefined) {
    throw new CliError("provider_unknown", "this provider never sold, so it has no jobs", {
      nextStep: `begin with \`openagents provider start${identity.flags}\``,
    });
  }
  const { Jobs, createClient } = await import("@openagents/contracts");
  const { jobs } = await createClient(Jobs, identity.client()).listWorkerJobs({ workerId, limit });
  return jobs;
}

export function jobLines(jobs: readonly WorkerJob[], style: Style): string[] {
  if (jobs.length === 0) return ["No jobs yet."];
  const columns = [
    { title: "job" },
    { title: "when (UTC)" },
    { title: "status" },
    { title: "paid", align: "right" },
  ] as const;
  const rows = jobs.map((job) => [
    job.jobId,
    formatTime(job.createdAt),
    job.status,
    job.paidMsats === 0n ? "–" : formatSats(job.paidMsats),
  ]);
  const [head = "", ...lines] = renderTable([...columns], rows, style);
  return [
    head,
    ...lines.flatMap((line, index) => {
      const job = jobs[index];
      const notes = [job?.unpaidBecause, job === undefined ? undefined : pushTrouble(job)];
      return [
        line,
        ...notes.flatMap((note) => (note === undefined ? [] : [style.dim(`  ${printable(note)}`)])),
      ];
    }),
  ];
}

/** Of a worker that is told of its jobs: why it was not told of this one. */
function pushTrouble({ pushStatus, pushDetail = "" }: WorkerJob): string | undefined {
  switch (pushStatus) {
    case undefined:
    case "succeeded":
      return undefined;
    case "pending":
      return pushDetail === "" ? "It is about to be told of it." : `Not told of it yet: ${pushDetail}`;
    case "unknown":
      return `It is not known whether it was told of it: ${pushDetail}`;
    case "failed":
      return `It was not told of it: ${pushDetail}`;
  }
}

export async function jobsJson(jobs: readonly WorkerJob[]): Promise<string> {
  const { encode, workerJobDesc } = await import("@openagents/contracts");
  return JSON.stringify({ jobs: jobs.map((job) => encode(workerJobDesc, job)) });
}
