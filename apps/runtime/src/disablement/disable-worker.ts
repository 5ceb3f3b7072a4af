// The emergency stop: a worker gets no new job after the answer, and what it
// holds or was offered is called off, recorded, and paid back in the same step.

import type { Authority, Command } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  DisableWorkerRequest,
  DisableWorkerResponse,
} from "@openagents/contracts";
import { loadForTransfers, planTransfers, postingWrites } from "@openagents/ledger";
import type { Write } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { callOff, lockOpenJob, voidOf, voided, type OpenJob } from "../cancellation/index.ts";
import { listOpenJobsOf, type Offers } from "../jobs/index.ts";
import { endReservations } from "../reservations/index.ts";
import { extendRun, requireLockedRun, type EventDraft, type Run } from "../runs/index.ts";
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
        owner: worker.owner,
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

type Held = OpenJob & { readonly run: Run };

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
    const locked = await lockOpenJob(command, jobId);
    if (run !== undefined && locked !== undefined) held.push({ run, ...locked });
  }
  return held;
}

/** Receipts and events of each job, in its buyer's name; a run with several has them in one row. */
function recordCanceled(command: Command, held: readonly Held[], nowMs: number): Write[] {
  const writes: Write[] = [];
  const drafts = new Map<string, { readonly run: Run; readonly events: EventDraft[] }>();
  for (const { run, ...open } of held) {
    const calledOff = callOff(command, open, "worker_disabled", nowMs);
    writes.push(...calledOff.writes);
    const events = [...(drafts.get(run.runId)?.events ?? []), ...calledOff.events];
    if (events.length > 0) drafts.set(run.runId, { run, events });
  }
  const given = held.flatMap(({ reservation }) => reservation ?? []);
  writes.push(...endReservations(voided(given)));
  for (const { run, events } of drafts.values()) writes.push(...extendRun(run, events, nowMs).writes);
  return writes;
}
