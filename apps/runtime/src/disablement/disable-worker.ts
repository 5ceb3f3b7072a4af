// The emergency stop: a worker gets no new job after the answer, and what it
// holds or was offered is called off, recorded, and paid back in the same step.

import type { Authority, Command } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  DisableWorkerRequest,
  DisableWorkerResponse,
} from "@openagents/contracts";
import { loadForTransfers, planTransfers, postingWrites, type TransferRequest } from "@openagents/ledger";
import type { Write } from "@openagents/postgres";
import type { JsonObject } from "@openagents/receipts";
import {
  canceledFacts,
  listOpenJobsOf,
  lockJob,
  settleJob,
  updateJob,
  type Job,
  type Offers,
} from "../jobs/index.ts";
import { notFound } from "../problems.ts";
import { lockReservation, markReservation, type Reservation } from "../reservations/index.ts";
import { extendRun, requireLockedRun, type EventDraft, type Run } from "../runs/index.ts";
import { escrowAccount, orgAccount } from "../treasury/index.ts";
import { lockWorker, upsertWorker, workerMessage, type Worker } from "../workers/index.ts";

export type DisablementDeps = { readonly authority: Authority; readonly offers: Offers };

/** More than a worker can hold; what would be left stays unclaimable, and its buyers can void it. */
const JOBS_MAX = 200;

/**
 * Disable a worker of the caller's organisation; with the scope `admin`, anyone's.
 * Locks worker → runs → jobs → reservations → accounts; nothing else takes a
 * worker before a run.
 */
export function disableWorker(
  deps: DisablementDeps,
  call: CommandCall,
  request: DisableWorkerRequest,
): Promise<CommandReply> {
  return deps.authority.execute<DisableWorkerResponse>(call, request, async (command) => {
    const { principal } = call;
    const worker = await lockWorker(command.tx, request.workerId);
    if (worker === undefined || (worker.org !== principal.org && !principal.scopes.has("admin"))) {
      throw notFound("worker", request.workerId);
    }
    const held = await lockHeld(command, worker);
    const voids = held.flatMap(({ reservation }) => (reservation === undefined ? [] : [voidOf(reservation)]));
    const loaded = await loadForTransfers(command.tx, voids, command.nowMs());
    const nowMs = command.nowMs();
    const plan = planTransfers(loaded, voids, nowMs);
    const unmade = plan.results.find((result) => result.kind !== "created");
    if (unmade !== undefined)
      throw new Error(`the ledger did not give back what ${worker.workerId} held: ${JSON.stringify(unmade)}`);

    const disabled: Worker = { ...worker, status: "disabled" };
    const receipt = command.seal(
      "openagents.runtime.worker_disabled.v1",
      worker.workerId,
      {
        worker_id: worker.workerId,
        reason: request.reason,
        canceled_job_ids: held.map(({ job }) => job.jobId),
      },
      nowMs,
      worker.org,
    );
    return {
      kind: "answer",
      output: {
        worker: workerMessage(disabled, nowMs),
        receiptId: receipt.receipt_id,
        canceledJobIds: held.map(({ job }) => job.jobId),
      },
      writes: [
        upsertWorker(disabled),
        ...recordCanceled(command, held, nowMs),
        ...(voids.length === 0 ? [] : postingWrites(loaded, plan, receipt.receipt_id)),
      ],
      // A claim that waits looks again, and is told.
      afterCommit: () => deps.offers.announce(worker.workerId),
    };
  });
}

type Held = {
  readonly run: Run;
  readonly job: Job;
  /** What the job's own reservation gives back; a second run rests on another job's. */
  readonly reservation: Reservation | undefined;
};

async function lockHeld(command: Command, worker: Worker): Promise<Held[]> {
  const open = await listOpenJobsOf(command.tx, worker.workerId, JOBS_MAX);
  const ordered = open.toSorted((a, b) => (a.runId < b.runId ? -1 : a.runId > b.runId ? 1 : 0));
  const runs = new Map<string, Run>();
  for (const { org, runId } of ordered) {
    if (!runs.has(runId)) runs.set(runId, await requireLockedRun(command.tx, org, runId));
  }
  const held: Held[] = [];
  for (const { jobId, runId } of ordered) {
    const run = runs.get(runId);
    const job = await lockJob(command.tx, jobId);
    // Handed in while we waited for its run.
    if (run === undefined || (job.status !== "queued" && job.status !== "leased")) continue;
    const reservation =
      job.purpose === "work" && job.reservationId !== undefined
        ? await lockReservation(command.tx, job.org, job.reservationId)
        : undefined;
    held.push({ run, job, reservation: reservation?.status === "reserved" ? reservation : undefined });
  }
  return held;
}

function voidOf({ reservationId, org, amountMsats }: Reservation): TransferRequest {
  return {
    id: `${reservationId}:void`,
    kind: "void",
    pendingId: reservationId,
    amount: amountMsats,
    debitAccount: orgAccount(org).id,
    creditAccount: escrowAccount(org).id,
    unit: "msats",
  };
}

/** Receipts and events of each job, in its buyer's name; a run with several has them in one row. */
function recordCanceled(command: Command, held: readonly Held[], nowMs: number): Write[] {
  const writes: Write[] = [];
  const drafts = new Map<string, { readonly run: Run; readonly events: EventDraft[] }>();
  for (const { run, job, reservation } of held) {
    const events: EventDraft[] = drafts.get(run.runId)?.events ?? [];
    const inRun = job.purpose !== "adjudication";
    const record = (schema: string, eventType: string, facts: JsonObject) => {
      const receipt = command.seal(schema, inRun ? run.runId : job.jobId, facts, nowMs, job.org);
      if (inRun) events.push({ eventType, payload: { ...facts, receipt_id: receipt.receipt_id } });
    };
    record("openagents.runtime.job_canceled.v1", "job.canceled", canceledFacts(job, "worker_disabled"));
    writes.push(updateJob(settleJob(job, "canceled", nowMs)));
    if (reservation !== undefined) {
      record("openagents.treasury.reservation_voided.v1", "budget.voided", {
        reservation_id: reservation.reservationId,
        amount_msats: Number(reservation.amountMsats),
        run_id: run.runId,
        job_id: job.jobId,
      });
      writes.push(markReservation(reservation.reservationId, "voided"));
    }
    if (events.length > 0) drafts.set(run.runId, { run, events });
  }
  for (const { run, events } of drafts.values()) writes.push(...extendRun(run, events, nowMs).writes);
  return writes;
}
