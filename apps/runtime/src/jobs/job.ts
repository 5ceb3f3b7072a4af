// What a job is, and who may move it. Pure.
//
// JOB-1  One live lease at a time; a lapsed lease hands in nothing.
// JOB-2  A result is handed in at most once.
// JOB-3  A job settles only after it was verified.
// Held by tests/main-job.pg.test.ts.

import type { Fallback, Job as JobMessage, JobFailure, JobPurpose, JobStatus } from "@openagents/contracts";
import { workFields, type JobResult, type JobSpec } from "./spec.ts";

export type Job = {
  readonly jobId: string;
  readonly org: string;
  readonly runId: string;
  readonly jobHash: string;
  readonly status: JobStatus;
  readonly purpose: JobPurpose;
  /** The job that a second opinion or an adjudication is about. */
  readonly primaryJobId: string | undefined;
  /** How often each leg is run. */
  readonly repeats: number;
  /** Undefined for an adjudication, which the operator pays for. */
  readonly quoteId: string | undefined;
  readonly reservationId: string | undefined;
  readonly providerWorkerId: string;
  readonly providerOrg: string;
  /** What its provider is paid at most; undefined for an adjudication. */
  readonly priceMsats: bigint | undefined;
  /** What its provider asked for it; the price when undefined. */
  readonly chargedMsats: bigint | undefined;
  readonly spec: JobSpec;
  readonly inputs: readonly string[];
  readonly leaseId: string | undefined;
  readonly leaseExpiresAtMs: number | undefined;
  /** Set at the first claim: the job must be handed in by then, by whoever holds it. */
  readonly overdueAtMs: number | undefined;
  readonly result: JobResult | undefined;
  readonly failure: JobFailure | undefined;
  readonly dispatchReceiptId: string;
  readonly completedReceiptId: string | undefined;
  /** Who may do it when its provider could not; a repeat of another job finds its own replacement. */
  readonly fallback: Fallback;
  /** Since when it waits for its provider. */
  readonly offeredAtMs: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** How long a lease holds without renewal. */
export const LEASE_MS = 30_000;

/** A gap in the runtime's own looks at its leases that is longer was an outage. */
export const OUTAGE_MS = 20_000;

/** Three renewals fit into one lease, so that two may be lost. */
export const RENEW_EVERY_MS = 10_000;

/** Fetching, unpacking and handing in, beside the commands themselves. */
const OVERHEAD_MS = 600_000;
const LEGS = 3;

/** The longest that a job can take within its own limits; a provider that renews for longer holds it for nothing. */
export function allowedMs({ spec, repeats }: Pick<Job, "spec" | "repeats">): number {
  const onceMs =
    "wallMs" in spec ? Number(spec.wallMs) : LEGS * spec.commands.length * Number(spec.limits.wallMs);
  return repeats * onceMs + OVERHEAD_MS;
}

/** Longer than what a worker may be busy with before it, and not so long that the money waits for one that takes nothing. */
export const QUEUED_MS_MAX = 900_000;

/** Whether an open order has waited so long that nobody counts on it any more. */
export function hasWaitedTooLong(
  { overdueAtMs, offeredAtMs }: Pick<Job, "overdueAtMs" | "offeredAtMs">,
  nowMs: number,
): boolean {
  return nowMs >= (overdueAtMs ?? offeredAtMs + QUEUED_MS_MAX);
}

/** Of a failure that a provider reports: what was its own, and not the job's. */
export type ProviderFault = "provider_failed" | "provider_stopped";

const FAULTS: Readonly<Record<string, ProviderFault>> = {
  provider_stopped: "provider_stopped",
  provider_error: "provider_failed",
  sandbox_failed: "provider_failed",
  sandbox_unavailable: "provider_failed",
  // It said at its registration that it has them.
  toolchain_missing: "provider_failed",
  layer_tool_missing: "provider_failed",
};

export function faultOf({ code }: JobFailure): ProviderFault | undefined {
  return Object.hasOwn(FAULTS, code) ? FAULTS[code] : undefined;
}

/** Whether a provider works on the job now, or has handed it in. */
export function isTaken(job: Job, nowMs: number): boolean {
  if (job.status === "leased") return (job.leaseExpiresAtMs ?? 0) > nowMs;
  return job.status !== "queued";
}

export type JobOrder = Pick<
  Job,
  | "jobId"
  | "org"
  | "runId"
  | "jobHash"
  | "purpose"
  | "primaryJobId"
  | "repeats"
  | "quoteId"
  | "reservationId"
  | "providerWorkerId"
  | "providerOrg"
  | "priceMsats"
  | "spec"
  | "inputs"
  | "dispatchReceiptId"
>;

/** A job as it is offered to its provider. */
export function queuedJob(order: JobOrder, nowMs: number, fallback: Fallback = "none"): Job {
  return {
    ...order,
    fallback,
    offeredAtMs: nowMs,
    status: "queued",
    chargedMsats: undefined,
    leaseId: undefined,
    leaseExpiresAtMs: undefined,
    overdueAtMs: undefined,
    result: undefined,
    failure: undefined,
    completedReceiptId: undefined,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/** The same job, waiting for the provider that had it, or for another one. */
export function requeueJob(
  job: Job,
  to: Pick<Job, "providerWorkerId" | "providerOrg"> | undefined,
  nowMs: number,
): Job {
  return {
    ...job,
    ...(to === undefined ? {} : { ...to, overdueAtMs: undefined, offeredAtMs: nowMs }),
    status: "queued",
    leaseId: undefined,
    leaseExpiresAtMs: undefined,
    updatedAtMs: nowMs,
  };
}

/** The same job with a new status, held by nobody any more. */
export function settleJob(job: Job, status: "verified" | "settled" | "canceled", nowMs: number): Job {
  return { ...job, status, leaseId: undefined, leaseExpiresAtMs: undefined, updatedAtMs: nowMs };
}

/**
 * The job as its provider sees it: not why it is run, since that would tell a
 * second one which result is expected of it.
 */
export function jobForProvider(job: Job): JobMessage {
  return { ...jobMessage(job), purpose: "work", primaryJobId: undefined };
}

export function jobMessage(job: Job): JobMessage {
  return {
    jobId: job.jobId,
    runId: job.runId,
    jobHash: job.jobHash,
    status: job.status,
    quoteId: job.quoteId ?? "",
    reservationId: job.reservationId ?? "",
    providerWorkerId: job.providerWorkerId,
    ...workFields(job),
    failure: job.failure,
    leaseExpiresAt: job.leaseExpiresAtMs,
    createdAt: job.createdAtMs,
    updatedAt: job.updatedAtMs,
    purpose: job.purpose,
    primaryJobId: job.primaryJobId,
    repeats: job.repeats,
    priceMsats: job.priceMsats,
  };
}
