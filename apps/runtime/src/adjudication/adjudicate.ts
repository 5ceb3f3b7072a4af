// Deciding an incident: the operator's reserve runs the job itself, several
// times over, and whoever is contradicted by it is struck. The operator pays.

import { newId, type Authority, type Command, type Outcome } from "@openagents/authority";
import {
  ProblemError,
  type AdjudicateIncidentRequest,
  type AdjudicateIncidentResponse,
  type CommandCall,
  type CommandReply,
} from "@openagents/contracts";
import type { Database, Write } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import {
  incidentMessage,
  findIncident,
  hasStruck,
  lockIncident,
  updateIncident,
  type Incident,
} from "../fraud/index.ts";
import {
  capabilityOf,
  findJob,
  hasWaitedTooLong,
  inputsOf,
  isRepoIndex,
  insertJob,
  listJobsAbout,
  queuedJob,
  specFacts,
  type Job,
  type Offers,
} from "../jobs/index.ts";
import { CANDIDATES_MAX, decideReserve } from "../marketplace/index.ts";
import { intendPush } from "../push/index.ts";
import { countDisputeLost } from "../standings/index.ts";
import type { Judge } from "../verification/index.ts";
import {
  STALE_AFTER_MS,
  STRIKES_MAX,
  findWorker,
  listFreshProviders,
  livenessOf,
  lockWorkersOf,
  markStrikes,
  type Worker,
} from "../workers/index.ts";
import { isOperator } from "../zones/index.ts";
import { decideOutcome, struckParties, type OutcomeDecision } from "./decide-outcome.ts";

export type AdjudicationDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly offers: Offers;
  readonly judge: Judge;
};

/** Enough that a check which fails now and then shows it, few enough to be cheap. */
const REPEATS = 3;

export const NO_RESERVE_WORKER = "no_reserve_worker";
const RESERVE_RETRY_MS = 10_000;

/** A reserve that cannot run a job this often never will. */
const RUNS_MAX = 5;

/** Often enough to put a liar out within days, seldom enough that one buyer alone cannot do it to an honest one at once. */
const BUYER_STRIKE_EVERY_MS = 24 * 3_600_000;

/**
 * Take an open incident one step on: order the operator's run, or decide by it.
 * Refused: `incident_is_allegation`, `incident_decided`. Throws 503 `no_reserve_worker`. While that run
 * goes on it answers the incident as it is and decides nothing.
 */
export async function adjudicateIncident(
  deps: AdjudicationDeps,
  call: CommandCall,
  request: AdjudicateIncidentRequest,
): Promise<CommandReply> {
  const seen = await findIncident(deps.db, request.incidentId);
  if (seen === undefined) throw notFound("incident", request.incidentId);
  const seenThird = seen.thirdJobId === undefined ? undefined : await findJob(deps.db, seen.thirdJobId);
  const decided = seenThird?.status === "reported" ? await decide(deps, seen, seenThird) : undefined;

  return deps.authority.execute<AdjudicateIncidentResponse>(call, request, async (command) => {
    const incident = (await lockIncident(command.tx, seen.incidentId)) ?? seen;
    if (incident.kind === "allegation") {
      return {
        kind: "refused",
        rule: "state",
        reason: "incident_is_allegation",
        detail: "No run decides what a party alleges. Look at its evidence, and resolve it.",
      };
    }
    if (incident.status === "decided") {
      return {
        kind: "refused",
        rule: "state",
        reason: "incident_decided",
        detail: "The incident is decided already; what it came to stays.",
      };
    }
    const third =
      incident.thirdJobId === undefined ? undefined : await findJob(command.tx, incident.thirdJobId);
    if (third === undefined) return order(deps, command, incident);
    const cameToNothing =
      third.status === "canceled" || third.failure !== undefined || (await isLost(command, third));
    if (cameToNothing) return order(deps, command, incident);
    if (third.status === "reported" && third.jobId === seenThird?.jobId && decided !== undefined) {
      return conclude(command, incident, decided);
    }
    return {
      kind: "nothing",
      output: { incident: incidentMessage(incident), receiptId: third.dispatchReceiptId },
    };
  });
}

async function decide(deps: AdjudicationDeps, incident: Incident, third: Job): Promise<OutcomeDecision> {
  const decideOn = async (jobId: string | undefined) => {
    const job = jobId === undefined ? undefined : await findJob(deps.db, jobId);
    return job === undefined ? undefined : (await deps.judge.decide(job))[0];
  };
  const first = await decideOn(incident.jobId);
  if (first === undefined) throw new Error(`the job of ${incident.incidentId} vanished`);
  const rounds = await deps.judge.decide(third);
  const second = await decideOn(incident.secondJobId);
  return decideOutcome({ kind: incident.kind, first, second }, rounds);
}

/** Held by nobody who could still report it. */
async function isLost(command: Command, third: Job): Promise<boolean> {
  const nowMs = command.nowMs();
  if (third.status === "leased" && (third.leaseExpiresAtMs ?? 0) > nowMs) return false;
  if (third.status !== "queued" && third.status !== "leased") return false;
  if (hasWaitedTooLong(third, nowMs)) return true;
  const worker = await findWorker(command.tx, third.providerWorkerId);
  return worker?.status !== "running" || livenessOf(worker, nowMs) !== "fresh";
}

async function order(
  deps: AdjudicationDeps,
  command: Command,
  incident: Incident,
): Promise<Outcome<AdjudicateIncidentResponse>> {
  const job = await findJob(command.tx, incident.jobId);
  if (job === undefined) throw new Error(`the job of ${incident.incidentId} vanished`);
  const earlier = await listJobsAbout(command.tx, job.jobId, "adjudication");
  const nowMs = command.nowMs();
  if (earlier.length >= RUNS_MAX) {
    return conclude(command, incident, {
      outcome: "undecided",
      because: `the operator's run could not be made in ${RUNS_MAX} tries`,
    });
  }
  const second =
    incident.secondJobId === undefined ? undefined : await findJob(command.tx, incident.secondJobId);
  const workers = await listFreshProviders(command.tx, nowMs - STALE_AFTER_MS, CANDIDATES_MAX);
  const partyOrgs = await outsideOrgs(command, [job, second]);
  const reserve = decideReserve(
    workers,
    { capability: capabilityOf(job.spec), spec: job.spec, buyerOrg: job.org, market: false, partyOrgs },
    nowMs,
  );
  if (reserve === undefined) {
    // No answer, so that the same key may be sent again once there is one.
    throw new ProblemError({
      status: 503,
      code: NO_RESERVE_WORKER,
      detail:
        "No worker of the operator's reserve is running that could run this job. Start one; the incident stays open.",
      retryAfterMs: RESERVE_RETRY_MS,
    });
  }
  const jobId = newId("job", nowMs);
  // An index is a function of its tree: made again it shows nothing new.
  const repeats = isRepoIndex(job.spec) ? 1 : REPEATS;
  const receipt = command.seal(
    "openagents.runtime.job_dispatched.v1",
    incident.incidentId,
    {
      run_id: job.runId,
      job_id: jobId,
      job_hash: job.jobHash,
      incident_id: incident.incidentId,
      provider_worker_id: reserve.workerId,
      purpose: "adjudication",
      primary_job_id: job.jobId,
      repeats,
      spec: specFacts(job.spec),
    },
    nowMs,
    job.org,
  );
  const third = queuedJob(
    {
      jobId,
      org: job.org,
      runId: job.runId,
      jobHash: job.jobHash,
      purpose: "adjudication",
      primaryJobId: job.jobId,
      repeats,
      quoteId: undefined,
      reservationId: undefined,
      providerWorkerId: reserve.workerId,
      providerOrg: reserve.org,
      priceMsats: undefined,
      spec: job.spec,
      inputs: inputsOf(job.spec),
      dispatchReceiptId: receipt.receipt_id,
    },
    nowMs,
  );
  intendPush(command, reserve, third, nowMs);
  const ordered: Incident = { ...incident, status: "adjudicating", thirdJobId: jobId };
  return {
    kind: "answer",
    output: { incident: incidentMessage(ordered), receiptId: receipt.receipt_id },
    writes: [insertJob(third), updateIncident(ordered)],
    afterCommit: () => deps.offers.announce(third.providerWorkerId),
  };
}

async function conclude(
  command: Command,
  incident: Incident,
  { outcome, because }: OutcomeDecision,
): Promise<Outcome<AdjudicateIncidentResponse>> {
  const struckIds = struckParties(outcome).flatMap((party) => {
    const workerId = party === "first" ? incident.firstWorkerId : incident.secondWorkerId;
    return workerId === undefined ? [] : [workerId];
  });
  const writes: Write[] = [];
  const counted: string[] = [];
  const struckOrgs: string[] = [];
  const nowMs = command.nowMs();
  for (const worker of await lockStruck(command, struckIds)) {
    const { workerId } = worker;
    const counts =
      incident.kind === "violation" ||
      worker.org === incident.org ||
      !(await hasStruck(command.tx, incident.org, worker.org, nowMs - BUYER_STRIKE_EVERY_MS));
    if (!counts) continue;
    counted.push(workerId);
    struckOrgs.push(worker.org);
    const strikes = worker.strikes + 1;
    const quarantined = worker.quarantined || strikes >= STRIKES_MAX;
    command.seal(
      "openagents.runtime.worker_struck.v1",
      workerId,
      {
        worker_id: workerId,
        owner: worker.owner,
        incident_id: incident.incidentId,
        strikes,
        quarantined,
      },
      nowMs,
      worker.org,
    );
    writes.push(markStrikes(worker.org, strikes, quarantined));
  }
  const decided: Incident = { ...incident, status: "decided", outcome, decidedAtMs: nowMs };
  const receipt = command.seal(
    "openagents.fraud.incident_decided.v1",
    incident.incidentId,
    {
      incident_id: incident.incidentId,
      run_id: incident.runId,
      job_id: incident.jobId,
      outcome,
      because,
      contradicted_worker_ids: struckIds,
      struck_worker_ids: counted,
      ...(incident.thirdJobId === undefined ? {} : { third_job_id: incident.thirdJobId }),
      incident_receipt_id: incident.receiptId,
    },
    nowMs,
    incident.org,
  );
  writes.push(updateIncident(decided, struckOrgs));
  if (outcome === "report_confirmed") writes.push(countDisputeLost(incident.org));
  return {
    kind: "answer",
    output: { incident: incidentMessage(decided), receiptId: receipt.receipt_id },
    writes,
  };
}

/** The workers with their strikes of now, by id; their organisations' other workers are locked with them. */
async function lockStruck(command: Command, workerIds: readonly string[]): Promise<Worker[]> {
  const find = async (workerId: string) => {
    const worker = await findWorker(command.tx, workerId);
    if (worker === undefined) throw new Error(`worker ${workerId} vanished`);
    return worker;
  };
  const ids = workerIds.toSorted();
  const orgs = new Set<string>();
  for (const workerId of ids) orgs.add((await find(workerId)).org);
  // In order, so that two incidents about the same organisations never wait for each other in a ring.
  for (const org of [...orgs].sort()) await lockWorkersOf(command.tx, org);
  const locked: Worker[] = [];
  for (const workerId of ids) locked.push(await find(workerId));
  return locked;
}

/** The operator answers for its reserve, so that what one of it contradicts, it decides itself. */
async function outsideOrgs(command: Command, jobs: readonly (Job | undefined)[]): Promise<string[]> {
  const orgs: string[] = [];
  for (const job of jobs) {
    const worker = job === undefined ? undefined : await findWorker(command.tx, job.providerWorkerId);
    if (worker !== undefined && !isOperator(worker)) orgs.push(worker.org);
  }
  return orgs;
}
