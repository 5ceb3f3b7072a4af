import { newId, type Authority, type Command, type Outcome } from "@openagents/authority";
import type {
  Buyer,
  ClaimJobRequest,
  ClaimJobResponse,
  CommandCall,
  CommandReply,
  RenewLeaseRequest,
  RenewLeaseResponse,
  SubmitResultRequest,
  SubmitResultResponse,
} from "@openagents/contracts";
import type { Database, Queryable, Write } from "@openagents/postgres";
import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";
import { notFound } from "@openagents/service";
import { countMarket, latencyMeasure } from "../market-counts/index.ts";
import { extendRun, requireLockedRun, type EventDraft, type Run } from "../runs/index.ts";
import { findBuyerStanding } from "../standings/index.ts";
import {
  findWorker,
  isOwnedBy,
  lockWorkersOf,
  recordJobEnds,
  recordLatency,
  requireOwnedWorker,
  strikeWorker,
  type Worker,
} from "../workers/index.ts";
import {
  LEASE_MS,
  OUTAGE_MS,
  RENEW_EVERY_MS,
  allowedMs,
  faultOf,
  jobForProvider,
  type Job,
  type ProviderFault,
} from "./job.ts";
import { LEASE_DETAILS, checkLease, type LeaseRefusal } from "./lease-refusals.ts";
import { fitsJob } from "./fits-job.ts";
import { findFormerHolder, findSeen, insertLease, lockUnlapsed, markLapsed, sumClaimed } from "./leases.ts";
import type { Offers } from "./offers.ts";
import { isOvercharged, refuseOvercharge } from "./price-integrity.ts";
import { findAnswerProblem } from "./opinion.ts";
import { capabilityOf, resultCapability, resultFacts, resultOf, type JobResult } from "./spec.ts";
import { countLeased, findJob, lockJob, lockNextJob, updateJob } from "./store.ts";

export type JobsDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly offers: Offers;
  readonly nowMs: () => number;
  /** Gives the job to another provider where there is one. It reaches into the market, so it is built elsewhere. */
  readonly fallBack: (
    command: Command,
    run: Run,
    job: Job,
    because: ProviderFault,
    nowMs: number,
  ) => Promise<
    | {
        readonly job: Job;
        readonly receiptId: string;
        readonly event: EventDraft;
        readonly writes: readonly Write[];
      }
    | undefined
  >;
};

/** Take the next job of a worker, waiting for one as long as the request says. */
export async function claimJob(
  deps: JobsDeps,
  call: CommandCall,
  request: ClaimJobRequest,
): Promise<CommandReply> {
  const giveUpAtMs = deps.nowMs() + request.waitMs;
  for (;;) {
    let claimed = false;
    const reply = await deps.authority.execute<ClaimJobResponse>(call, request, async (command) => {
      const worker = await requireOwnedWorker(command.tx, call.principal, request.workerId);
      const idle = whyIdle(worker);
      if (idle !== undefined) return { kind: "refused", rule: "policy", ...idle };
      const nowMs = command.nowMs();
      // The worker's row is locked, so two claims at once cannot both pass the cap.
      if ((await countLeased(command.tx, worker.workerId, nowMs)) >= worker.caps.concurrentJobsMax) {
        return {
          kind: "refused",
          rule: "policy",
          reason: "concurrent_jobs_max",
          detail: `This worker holds ${worker.caps.concurrentJobsMax} jobs already, as many as its caps allow.`,
        };
      }
      const job = await lockNextJob(command.tx, worker.workerId, nowMs);
      if (job === undefined) return { kind: "nothing", output: {} };
      const capped = await whyCapped(command, worker, job, nowMs);
      if (capped !== undefined) return { kind: "refused", rule: "policy", ...capped };
      claimed = true;
      const leaseId = newId("lease", nowMs);
      const leased: Job = {
        ...job,
        status: "leased",
        leaseId,
        leaseExpiresAtMs: nowMs + LEASE_MS,
        overdueAtMs: job.overdueAtMs ?? nowMs + allowedMs(job),
        updatedAtMs: nowMs,
      };
      return {
        kind: "answer",
        output: {
          job: jobForProvider(leased),
          lease: leaseMessage(leased),
          buyer: await describeBuyer(command, job.org),
        },
        writes: [
          updateJob(leased),
          insertLease({ leaseId, jobId: job.jobId, workerId: worker.workerId, claimedAtMs: nowMs }),
          ...(await recordLapse(command, worker, job, nowMs)),
        ],
      };
    });
    const waitMs = giveUpAtMs - deps.nowMs();
    if (claimed || reply.replayed || reply.status !== call.method.successStatus) return reply;
    if (waitMs <= 0 || call.signal.aborted || deps.offers.closed) return reply;
    // No transaction is open here: a waiting provider holds no connection.
    await deps.offers.wait(request.workerId, waitMs, call.signal);
  }
}

async function describeBuyer({ tx }: Command, org: string): Promise<Buyer> {
  const { settledJobs, disputedJobs } = await findBuyerStanding(tx, org);
  return { org, settledJobs: BigInt(settledJobs), disputedJobs: BigInt(disputedJobs) };
}

const HOUR_MS = 3_600_000;

/** What its owner allowed may be less now than when the job was ordered. In order of precedence. */
async function whyCapped(
  command: Command,
  { workerId, caps }: Worker,
  job: Job,
  nowMs: number,
): Promise<{ readonly reason: string; readonly detail: string } | undefined> {
  if (!fitsJob(caps, job.spec)) {
    return { reason: "caps_too_small", detail: `${job.jobId} may take more than this worker's caps allow.` };
  }
  if (caps.msatsPerHourMax === undefined) return undefined;
  const claimedMsats = await sumClaimed(command.tx, workerId, nowMs - HOUR_MS);
  if (claimedMsats + (job.priceMsats ?? 0n) <= caps.msatsPerHourMax) return undefined;
  return {
    reason: "msats_per_hour_max",
    detail: `This worker claimed jobs of ${claimedMsats} msats within the last hour; its caps allow ${caps.msatsPerHourMax}.`,
  };
}

/** A worker that comes back for a job after its lease lapsed, before the runtime looked. */
async function recordLapse(command: Command, worker: Worker, job: Job, nowMs: number): Promise<Write[]> {
  const { leaseId } = job;
  if (leaseId === undefined || !(await lockUnlapsed(command.tx, leaseId))) return [];
  // Where the runtime was away itself, nobody could renew.
  const away = nowMs - (await findSeen(command.tx)) >= OUTAGE_MS;
  const strike = away
    ? []
    : [
        strikeWorker(command, worker, { because: "lease_lapsed", job, leaseId }, nowMs),
        recordJobEnds([{ workerId: worker.workerId, faulty: true, released: false }]),
      ];
  return [markLapsed(leaseId, nowMs), ...strike];
}

/** In order of precedence. */
function whyIdle(worker: Worker): { readonly reason: string; readonly detail: string } | undefined {
  if (worker.status === "disabled")
    return { reason: "worker_disabled", detail: "This worker was disabled and takes no jobs." };
  if (worker.quarantined) {
    return {
      reason: "worker_quarantined",
      detail: `This worker has ${worker.strikes} strikes and takes no jobs until an operator lifts its quarantine.`,
    };
  }
  if (worker.status === "stopped")
    return { reason: "worker_stopped", detail: "This worker was stopped. Register it again to take jobs." };
  return undefined;
}

/** Extend a live lease. */
export async function renewLease(
  deps: JobsDeps,
  call: CommandCall,
  request: RenewLeaseRequest,
): Promise<CommandReply> {
  return deps.authority.perform<RenewLeaseResponse>(call, async (command) => {
    const { reassigned } = await requireProviderJob(command.tx, call, request);
    if (reassigned) return refuseLease("job_reassigned");
    const job = await lockJob(command.tx, request.jobId);
    const nowMs = command.nowMs();
    const refused = checkLease(job, request.leaseId, nowMs) ?? whyNotRenewed(job, nowMs);
    if (refused !== undefined) return refuseLease(refused);
    const renewed: Job = { ...job, leaseExpiresAtMs: nowMs + LEASE_MS, updatedAtMs: nowMs };
    return { kind: "answer", output: { lease: leaseMessage(renewed) }, writes: [updateJob(renewed)] };
  });
}

function whyNotRenewed({ overdueAtMs }: Job, nowMs: number): LeaseRefusal | undefined {
  return overdueAtMs !== undefined && nowMs >= overdueAtMs ? "job_overdue" : undefined;
}

/** Record what the holder of a live lease reports. Nothing is believed yet. */
export function submitResult(
  deps: JobsDeps,
  call: CommandCall,
  request: SubmitResultRequest,
): Promise<CommandReply> {
  return deps.authority.execute<SubmitResultResponse>(call, request, async (command) => {
    const { job: seen, reassigned } = await requireProviderJob(command.tx, call, request);
    if (reassigned) return refuseLease("job_reassigned");
    const { org, runId } = seen;
    const fault = request.failure === undefined ? undefined : faultOf(request.failure);
    // Workers before runs, as wherever both are held.
    if (fault === "provider_failed") await lockWorkersOf(command.tx, seen.providerOrg);
    const run = await requireLockedRun(command.tx, org, runId);
    const job = await lockJob(command.tx, request.jobId);
    const nowMs = command.nowMs();
    const refused = checkLease(job, request.leaseId, nowMs);
    if (refused !== undefined) return refuseLease(refused);
    const result = resultOf(request);
    if (result !== undefined && resultCapability(result) !== capabilityOf(job.spec))
      return refuseOtherWork(job);
    const problem = result === undefined ? undefined : findAnswerProblem(job.spec, result);
    if (problem !== undefined) return refuseAnswer(problem);
    if (isOvercharged(job, request)) return refuseOvercharge(command, job, request, nowMs);
    const strike = fault === "provider_failed" ? [await strikeFor(command, job, nowMs)] : [];
    const moved = fault === undefined ? undefined : await deps.fallBack(command, run, job, fault, nowMs);
    if (moved !== undefined) {
      return {
        kind: "answer",
        output: { job: jobForProvider(moved.job), receiptId: moved.receiptId },
        writes: [...strike, ...moved.writes, ...extendRun(run, [moved.event], nowMs).writes],
        afterCommit: () => deps.offers.announce(moved.job.providerWorkerId),
      };
    }

    const facts = completionFacts(job, result, request);
    // An adjudication is about an incident: the run's log and receipts are complete without it.
    const subject = job.purpose === "adjudication" ? job.jobId : runId;
    const receipt = command.seal("openagents.runtime.job_completed.v1", subject, facts, nowMs, org);
    const reported: Job = {
      ...job,
      status: "reported",
      leaseId: undefined,
      leaseExpiresAtMs: undefined,
      result,
      failure: request.failure,
      chargedMsats: request.chargedMsats,
      completedReceiptId: receipt.receipt_id,
      updatedAtMs: nowMs,
    };
    const event = { eventType: "job.reported", payload: { ...facts, receipt_id: receipt.receipt_id } };
    return {
      kind: "answer",
      output: { job: jobForProvider(reported), receiptId: receipt.receipt_id },
      writes: [
        ...strike,
        updateJob(reported),
        ...(result === undefined ? [] : latencyWrites(job, nowMs)),
        ...(job.purpose === "adjudication" ? [] : extendRun(run, [event], nowMs).writes),
      ],
    };
  });
}

/** The operator's own adjudications are not traded. */
function latencyWrites(job: Job, nowMs: number): Write[] {
  if (job.purpose === "adjudication") return [];
  const latencyMs = nowMs - job.offeredAtMs;
  const measure = latencyMeasure(latencyMs);
  const parties = [job.org, job.providerWorkerId].map((party) => ({ party, measure }));
  return [
    recordLatency(job.providerWorkerId, latencyMs),
    countMarket(capabilityOf(job.spec), parties, nowMs),
  ];
}

type ProviderJob = { readonly job: Job; readonly reassigned: boolean };

/** A job that a worker of this principal has, or had under the lease that it names; else 404. */
async function requireProviderJob(
  q: Queryable,
  { principal }: CommandCall,
  { jobId, leaseId }: { readonly jobId: string; readonly leaseId: string },
): Promise<ProviderJob> {
  const job = await findJob(q, jobId);
  if (job === undefined) throw notFound("job", jobId);
  const owned = isOwnedBy(await findWorker(q, job.providerWorkerId), principal);
  if (owned && job.leaseId === leaseId) return { job, reassigned: false };
  const former = await findFormerHolder(q, leaseId, jobId);
  if (former?.owner === principal.id && former.org === principal.org) return { job, reassigned: true };
  if (!owned) throw notFound("job", jobId);
  return { job, reassigned: false };
}

async function strikeFor(command: Command, job: Job, nowMs: number): Promise<Write> {
  const worker = await findWorker(command.tx, job.providerWorkerId);
  if (worker === undefined || job.leaseId === undefined) throw new Error(`${job.jobId} is held by nobody`);
  return strikeWorker(command, worker, { because: "provider_failed", job, leaseId: job.leaseId }, nowMs);
}

function completionFacts(job: Job, result: JobResult | undefined, request: SubmitResultRequest): JsonObject {
  const outcome: JsonObject =
    result === undefined
      ? { outcome: "failed", failure_code: request.failure?.code ?? "" }
      : { outcome: "reported", result_sha256: sha256Hex(canonicalize(resultFacts(result))) };
  return {
    run_id: job.runId,
    job_id: job.jobId,
    job_hash: job.jobHash,
    provider_worker_id: job.providerWorkerId,
    dispatch_receipt_id: job.dispatchReceiptId,
    purpose: job.purpose,
    ...(request.chargedMsats === undefined ? {} : { charged_msats: Number(request.chargedMsats) }),
    ...outcome,
  };
}

function refuseOtherWork({ spec }: Job): Outcome<never> {
  return {
    kind: "refused",
    rule: "state",
    reason: "result_of_other_work",
    detail: `The job is of type ${capabilityOf(spec)}. Hand in a result of that type, or a failure.`,
  };
}

function refuseAnswer(problem: string): Outcome<never> {
  return {
    kind: "refused",
    rule: "state",
    reason: "answer_not_allowed",
    detail: `The work does not allow this answer: ${problem} The lease holds on: hand in another one, or a failure.`,
  };
}

function leaseMessage(job: Job) {
  if (job.leaseId === undefined || job.leaseExpiresAtMs === undefined)
    throw new Error("the job is not leased");
  return { leaseId: job.leaseId, expiresAt: job.leaseExpiresAtMs, renewEveryMs: BigInt(RENEW_EVERY_MS) };
}

function refuseLease(reason: LeaseRefusal): Outcome<never> {
  return { kind: "refused", rule: "state", reason, detail: LEASE_DETAILS[reason] };
}
