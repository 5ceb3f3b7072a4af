// Calling off a job that was not handed in: its money goes back, and its buyer's
// log says so. Whoever holds its lease learns it by the next renewal.

import type { Command } from "@openagents/authority";
import type { TransferRequest } from "@openagents/ledger";
import type { Write } from "@openagents/postgres";
import type { JsonObject } from "@openagents/receipts";
import { canceledFacts, lockJob, settleJob, updateJob, type Job } from "../jobs/index.ts";
import { lockReservation, type EndedReservation, type Reservation } from "../reservations/index.ts";
import type { EventDraft } from "../runs/index.ts";
import { escrowAccount, orgAccount } from "../treasury/index.ts";

export type OpenJob = {
  readonly job: Job;
  /** What the job's own reservation gives back; a second run rests on another job's. */
  readonly reservation: Reservation | undefined;
};

/** Lock a job of a locked run, and its money; undefined when it was handed in while we waited. */
export async function lockOpenJob(command: Command, jobId: string): Promise<OpenJob | undefined> {
  const job = await lockJob(command.tx, jobId);
  if (job.status !== "queued" && job.status !== "leased") return undefined;
  if (job.purpose !== "work" || job.reservationId === undefined) return { job, reservation: undefined };
  const reservation = await lockReservation(command.tx, job.org, job.reservationId);
  return { job, reservation: reservation?.status === "reserved" ? reservation : undefined };
}

export function voidOf({ reservationId, org, amountMsats }: Reservation): TransferRequest {
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

export type CalledOff = { readonly events: readonly EventDraft[]; readonly writes: readonly Write[] };

/** Receipts, events and writes of one job, in its buyer's name; the end of its reservation is the caller's to write. An adjudication is not in the run's log. */
export function callOff(
  command: Command,
  { job, reservation }: OpenJob,
  reason: string,
  nowMs: number,
): CalledOff {
  const inRun = job.purpose !== "adjudication";
  const facts = canceledFacts(job, reason);
  const subject = inRun ? job.runId : job.jobId;
  const receipt = command.seal("openagents.runtime.job_canceled.v1", subject, facts, nowMs, job.org);
  const canceled: CalledOff = {
    events: inRun ? [eventOf("job.canceled", facts, receipt.receipt_id)] : [],
    writes: [updateJob(settleJob(job, "canceled", nowMs))],
  };
  if (reservation === undefined) return canceled;
  const given = giveBack(command, reservation, job, nowMs);
  return {
    events: [...canceled.events, ...given.events],
    writes: [...canceled.writes, ...given.writes],
  };
}

/** The reservations as they end; in one write for all of them, because several may count in one budget. */
export function voided(reservations: readonly Reservation[]): EndedReservation[] {
  return reservations.map(({ reservationId }) => ({ reservationId, status: "voided", spentMsats: 0n }));
}

/** The reservation as given back; its transfer and its end are the caller's to write. `job` is absent when nothing was ordered for it. */
export function giveBack(
  command: Command,
  reservation: Reservation,
  job: Job | undefined,
  nowMs: number,
): CalledOff {
  const runId = job?.runId ?? reservation.runId;
  const facts = {
    reservation_id: reservation.reservationId,
    amount_msats: Number(reservation.amountMsats),
    ...(runId === undefined ? {} : { run_id: runId }),
    ...(job === undefined ? {} : { job_id: job.jobId }),
  };
  const receipt = command.seal(
    "openagents.treasury.reservation_voided.v1",
    runId ?? reservation.reservationId,
    facts,
    nowMs,
    reservation.org,
  );
  return {
    events: [eventOf("budget.voided", facts, receipt.receipt_id)],
    writes: [],
  };
}

function eventOf(eventType: string, facts: JsonObject, receiptId: string): EventDraft {
  return { eventType, payload: { ...facts, receipt_id: receiptId } };
}
