// The end of a run's spending, in one step: it takes no new reservation, and what
// no provider has handed in is called off with its money given back. Work that was
// handed in before is verified and settled as if nothing had been asked.

import type { Authority, Command } from "@openagents/authority";
import type { CancelRunRequest, CancelRunResponse, CommandCall, CommandReply } from "@openagents/contracts";
import { loadForTransfers, planTransfers, postingWrites } from "@openagents/ledger";
import { listOpenWorkOf } from "../jobs/index.ts";
import {
  endReservations,
  listHeldWithoutJob,
  lockReservation,
  type Reservation,
} from "../reservations/index.ts";
import { extendRun, isFinished, requireLockedRun, runMessage, type EventDraft } from "../runs/index.ts";
import { callOff, giveBack, lockOpenJob, voidOf, voided, type OpenJob } from "./call-off.ts";

/** More than a run has open; what would be left is called off by asking again. */
const OPEN_MAX = 200;

/** Locks run → jobs → reservations → accounts. */
export function cancelRun(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  request: CancelRunRequest,
): Promise<CommandReply> {
  return authority.execute<CancelRunResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const run = await requireLockedRun(command.tx, org, request.runId);
    if (isFinished(run.status)) {
      return {
        kind: "refused",
        rule: "state",
        reason: "run_finished",
        detail: `The run is ${run.status}, so there is nothing to cancel. What is set aside for it is settled or voided by itself.`,
      };
    }
    const open = await lockOpenWork(command, run.runId);
    const unordered = await lockUnordered(command, org, run.runId);
    const given = [...open.flatMap(({ reservation }) => reservation ?? []), ...unordered];
    const voids = given.map(voidOf);
    const loaded = await loadForTransfers(command.tx, voids, command.nowMs());
    const nowMs = command.nowMs();
    const plan = planTransfers(loaded, voids, nowMs);
    const unmade = plan.results.find((result) => result.kind !== "created");
    if (unmade !== undefined)
      throw new Error(`the ledger did not give back what ${run.runId} held: ${JSON.stringify(unmade)}`);

    const facts = {
      run_id: run.runId,
      reason: request.reason,
      canceled_job_ids: open.map(({ job }) => job.jobId),
      voided_msats: Number(given.reduce((sum, { amountMsats }) => sum + amountMsats, 0n)),
    };
    const receipt = command.seal("openagents.runtime.run_cancel_requested.v1", run.runId, facts, nowMs);
    const { run_id: _, ...told } = facts;
    const asked: EventDraft = {
      eventType: "run.cancel_requested",
      payload: { ...told, receipt_id: receipt.receipt_id },
    };
    const parts = [
      ...open.map((each) => callOff(command, each, "run_canceled", nowMs)),
      ...unordered.map((each) => giveBack(command, each, undefined, nowMs)),
    ];
    const events = [asked, ...parts.flatMap((part) => part.events)];
    const { appended, writes } = extendRun({ ...run, status: "canceling" }, events, nowMs);
    return {
      kind: "answer",
      output: {
        run: runMessage(appended),
        canceledJobIds: facts.canceled_job_ids,
        voidedMsats: BigInt(facts.voided_msats),
        receiptId: receipt.receipt_id,
      },
      writes: [
        ...parts.flatMap((part) => part.writes),
        ...endReservations(voided(given)),
        ...(voids.length === 0 ? [] : postingWrites(loaded, plan, receipt.receipt_id)),
        ...writes,
      ],
    };
  });
}

async function lockOpenWork(command: Command, runId: string): Promise<OpenJob[]> {
  const open: OpenJob[] = [];
  for (const jobId of await listOpenWorkOf(command.tx, runId, OPEN_MAX)) {
    const locked = await lockOpenJob(command, jobId);
    if (locked !== undefined) open.push(locked);
  }
  return open;
}

/** Set aside, and nothing was ordered for it. */
async function lockUnordered(command: Command, org: string, runId: string): Promise<Reservation[]> {
  const found: Reservation[] = [];
  for (const reservationId of await listHeldWithoutJob(command.tx, runId, OPEN_MAX)) {
    const reservation = await lockReservation(command.tx, org, reservationId);
    if (reservation?.status === "reserved") found.push(reservation);
  }
  return found;
}
