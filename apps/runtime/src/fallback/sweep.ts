// Leases that lapsed and orders that nobody took, found by index and each looked
// after in a transaction of its own.
//
// LSE-1  A lapsed lease is struck once, and only a lease that was claimed.
// LSE-2  What lapsed while the runtime was away holds again for a whole lease: nobody could renew it.
// Held by tests/leases.pg.test.ts.

import type { Authority, Outcome } from "@openagents/authority";
import type { CommandCall, CommandReply, SweepLeasesResponse } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import {
  LEASE_MS,
  OUTAGE_MS,
  QUEUED_MS_MAX,
  extendLeases,
  listLapsed,
  listUntaken,
  lockJob,
  lockLeasesLiveAt,
  lockSeen,
  lockUnlapsed,
  markLapsed,
  markSeen,
  requeueJob,
  updateJob,
  type Offers,
  type SweptJob,
} from "../jobs/index.ts";
import { extendRun, requireLockedRun } from "../runs/index.ts";
import {
  STALE_AFTER_MS,
  findWorker,
  livenessOf,
  lockWorkersOf,
  recordJobEnds,
  strikeWorker,
} from "../workers/index.ts";
import { fallBack } from "./fall-back.ts";

export type SweepDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly offers: Offers;
  readonly nowMs: () => number;
};

const PAGE = 100;
const EXTENDED_MAX = 5_000;

type Counts = { lapsed: number; reassigned: number; extended: number };

export async function sweepLeases(deps: SweepDeps, call: CommandCall): Promise<CommandReply> {
  const counts: Counts = { lapsed: 0, reassigned: 0, extended: 0 };
  // First, so that nothing is taken from a provider that could not renew.
  await watch(deps, call, counts);
  const nowMs = deps.nowMs();
  await eachOf(
    (after) => listLapsed(deps.db, nowMs, after, PAGE),
    (job) => returnLapsed(deps, call, job, counts),
    call.signal,
  );
  const since = { heartbeatMs: nowMs - STALE_AFTER_MS, offeredMs: nowMs - QUEUED_MS_MAX };
  await eachOf(
    (after) => listUntaken(deps.db, since, after, PAGE),
    (job) => passOn(deps, call, job, counts),
    call.signal,
  );
  return deps.authority.perform<SweepLeasesResponse>(call, async () => ({ kind: "nothing", output: counts }));
}

/** Page by page: a job that nobody can take holds up no other. */
async function eachOf(
  list: (after: Pick<SweptJob, "sinceMs" | "jobId">) => Promise<SweptJob[]>,
  look: (job: SweptJob) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  let after: Pick<SweptJob, "sinceMs" | "jobId"> = { sinceMs: 0, jobId: "" };
  for (;;) {
    const page = await list(after);
    for (const job of page) {
      if (signal.aborted) return;
      after = job;
      await look(job);
    }
    if (page.length < PAGE) return;
  }
}

/** Note that the runtime is here; after it was away, give back what it kept providers from renewing. */
async function watch(deps: SweepDeps, call: CommandCall, counts: Counts): Promise<void> {
  await deps.authority.perform<SweepLeasesResponse>(call, async (command) => {
    const seenMs = await lockSeen(command.tx);
    const nowMs = command.nowMs();
    const untilMs = nowMs + LEASE_MS;
    const held =
      nowMs - seenMs < OUTAGE_MS ? [] : await lockLeasesLiveAt(command.tx, seenMs, untilMs, EXTENDED_MAX);
    return {
      kind: "answer",
      output: counts,
      afterCommit: () => {
        counts.extended = held.length;
      },
      writes: [markSeen(nowMs), ...(held.length === 0 ? [] : [extendLeases(held, untilMs)])],
    };
  });
}

function returnLapsed(deps: SweepDeps, call: CommandCall, swept: SweptJob, counts: Counts) {
  return deps.authority.perform<SweepLeasesResponse>(call, async (command) => {
    // Workers before runs, as wherever both are held.
    await lockWorkersOf(command.tx, swept.providerOrg);
    const run = await requireLockedRun(command.tx, swept.org, swept.runId);
    const job = await lockJob(command.tx, swept.jobId);
    const nowMs = command.nowMs();
    const { leaseId, leaseExpiresAtMs = 0 } = job;
    if (job.status !== "leased" || leaseId === undefined || leaseExpiresAtMs > nowMs)
      return unchanged(counts);
    if (!(await lockUnlapsed(command.tx, leaseId))) return unchanged(counts);
    const worker = await findWorker(command.tx, job.providerWorkerId);
    if (worker === undefined) throw new Error(`worker ${job.providerWorkerId} vanished`);
    const strike = strikeWorker(command, worker, { because: "lease_lapsed", job, leaseId }, nowMs);
    const ends = [{ workerId: worker.workerId, faulty: true, released: false }];
    const lapse = [markLapsed(leaseId, nowMs), strike, recordJobEnds(ends)];
    const count = () => {
      counts.lapsed += 1;
    };
    // Who asked for a repeat of another job finds its replacement; until then the lapsed lease stands.
    if (job.purpose !== "work") return { kind: "answer", output: counts, writes: lapse, afterCommit: count };
    const event = {
      eventType: "job.lease_lapsed",
      payload: { run_id: job.runId, job_id: job.jobId, provider_worker_id: job.providerWorkerId },
    };
    const moved = await fallBack(command, run, job, "lease_lapsed", nowMs);
    if (moved === undefined) {
      // Nobody else may have it: its provider may come back for it, and its buyer may void it.
      const writes = [
        ...lapse,
        updateJob(requeueJob(job, undefined, nowMs)),
        ...extendRun(run, [event], nowMs).writes,
      ];
      return { kind: "answer", output: counts, writes, afterCommit: count };
    }
    return {
      kind: "answer",
      output: counts,
      writes: [...lapse, ...moved.writes, ...extendRun(run, [event, moved.event], nowMs).writes],
      afterCommit: () => {
        count();
        counts.reassigned += 1;
        deps.offers.announce(moved.job.providerWorkerId);
      },
    };
  });
}

/** An order that was never claimed goes on without a strike. */
function passOn(deps: SweepDeps, call: CommandCall, swept: SweptJob, counts: Counts) {
  return deps.authority.perform<SweepLeasesResponse>(call, async (command) => {
    const run = await requireLockedRun(command.tx, swept.org, swept.runId);
    const job = await lockJob(command.tx, swept.jobId);
    const nowMs = command.nowMs();
    const worker = await findWorker(command.tx, job.providerWorkerId);
    const there =
      worker?.status === "running" && !worker.quarantined && livenessOf(worker, nowMs) === "fresh";
    const hadItsTime = nowMs >= job.offeredAtMs + QUEUED_MS_MAX;
    if (job.status !== "queued" || (there && !hadItsTime)) return unchanged(counts);
    const because = worker?.status === "stopped" ? "provider_stopped" : "not_taken";
    const moved = await fallBack(command, run, job, because, nowMs);
    if (moved === undefined) return unchanged(counts);
    return {
      kind: "answer",
      output: counts,
      writes: [...moved.writes, ...extendRun(run, [moved.event], nowMs).writes],
      afterCommit: () => {
        counts.reassigned += 1;
        deps.offers.announce(moved.job.providerWorkerId);
      },
    };
  });
}

function unchanged(counts: Counts): Outcome<SweepLeasesResponse> {
  return { kind: "nothing", output: counts };
}
