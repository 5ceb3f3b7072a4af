// The numbers of a Phase-0 run, each computed from what was recorded. Pure.

import type { JsonObject } from "@openagents/contracts";
import { textOf, type Happening } from "./milestones.ts";

/** One job as its run's log tells it. */
export type JobRecord = {
  readonly runId: string;
  readonly jobId: string;
  readonly purpose: string;
  /** Who has it: after a fallback, the other one. */
  providerWorkerId: string;
  /** How often it went to another provider. */
  fallbacks: number;
  readonly dispatchedAtMs: number;
  reportedAtMs?: number;
  outcome?: "reported" | "failed" | "canceled";
  /** For bought work that was verified. */
  verdict?: string;
  settled?: "released" | "withheld";
  /** All that the buyer paid for it, second opinion and fees included. */
  paidMsats: number;
};

/** A job that asked for more than a cap allows. */
export type CapProbe = { readonly cap: string; readonly refusedBy: string | undefined };

export type Metrics = ReturnType<typeof computeMetrics>;

/** The jobs of one run's log, in order of dispatch. */
export function jobRecords(runId: string, events: readonly Happening[]): readonly JobRecord[] {
  const jobs = new Map<string, JobRecord>();
  for (const { what, facts, atMs } of events) {
    const jobId = textOf(facts, "job_id");
    if (what === "job.dispatched") {
      jobs.set(jobId, {
        runId,
        jobId,
        purpose: textOf(facts, "purpose") || "work",
        providerWorkerId: textOf(facts, "provider_worker_id"),
        fallbacks: 0,
        dispatchedAtMs: atMs,
        paidMsats: 0,
      });
      continue;
    }
    const job = jobs.get(jobId);
    if (job === undefined) continue;
    if (what === "job.reassigned") {
      job.providerWorkerId = textOf(facts, "provider_worker_id");
      job.fallbacks += 1;
    }
    if (what === "job.reported") {
      job.reportedAtMs = atMs;
      job.outcome = facts["outcome"] === "reported" ? "reported" : "failed";
    }
    if (what === "job.canceled" || what === "budget.voided") job.outcome = "canceled";
    if (what === "verification.recorded") job.verdict = textOf(facts, "verdict");
    if (what === "payment.released" || what === "payment.withheld") {
      job.settled = what === "payment.released" ? "released" : "withheld";
      for (const name of ["amount_msats", "second_opinion_msats", "operator_fee_msats"])
        job.paidMsats += numberOf(facts, name);
    }
  }
  return [...jobs.values()];
}

/** Ratios are from 0 to 1 and null where there is nothing to divide by. */
export function computeMetrics(jobs: readonly JobRecord[], probes: readonly CapProbe[]) {
  const work = jobs.filter((job) => job.purpose === "work");
  const verified = work.filter((job) => job.verdict !== undefined);
  const proven = verified.filter((job) => job.verdict === "proven");
  const latenciesMs = jobs.flatMap(({ reportedAtMs, dispatchedAtMs }) =>
    reportedAtMs === undefined ? [] : [reportedAtMs - dispatchedAtMs],
  );
  const runs = new Set(work.map((job) => job.runId)).size;
  return {
    jobs: { work: work.length, repeated: jobs.length - work.length, runs },
    fill_rate: ratio(work.filter((job) => job.outcome === "reported").length, work.length),
    median_job_latency_ms: median(latenciesMs),
    /** What the buyer paid in all, for each proven patch. */
    effective_cost_msats: ratio(
      work.reduce((sum, job) => sum + job.paidMsats, 0),
      proven.length,
    ),
    provider_breadth: new Set(
      jobs.filter((job) => job.outcome === "reported").map((job) => job.providerWorkerId),
    ).size,
    verification_pass_rate: ratio(proven.length, verified.length),
    verification_pass_rate_by_provider: Object.fromEntries(
      [...new Set(verified.map((job) => job.providerWorkerId))].toSorted().map((providerWorkerId) => {
        const own = verified.filter((job) => job.providerWorkerId === providerWorkerId);
        return [
          providerWorkerId,
          ratio(own.filter((job) => job.verdict === "proven").length, own.length),
        ] as const;
      }),
    ),
    /** Jobs that were ordered again, for each run. */
    rework_rate: ratio(work.length - runs, runs),
    fallbacks: jobs.reduce((sum, job) => sum + job.fallbacks, 0),
    caps_enforced: probes.length > 0 && probes.every((probe) => probe.refusedBy !== undefined),
    cap_probes: probes.map(({ cap, refusedBy = null }) => ({ cap, refused_by: refusedBy })),
  };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

function numberOf(facts: JsonObject, name: string): number {
  const value = facts[name];
  return typeof value === "number" ? value : 0;
}
