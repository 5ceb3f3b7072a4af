import type {
  CommandCall,
  CommandReply,
  VoidReservationRequest,
  VoidReservationResponse,
} from "@openagents/contracts";
import { loadForTransfers, planTransfers, postingWrites, type TransferRequest } from "@openagents/ledger";
import { notFound } from "@openagents/service";
import { findJobByReservation, isTaken, lockJob, settleJob, updateJob, type Job } from "../jobs/index.ts";
import {
  endReservations,
  findReservation,
  lockReservation,
  reservationMessage,
  type Reservation,
} from "../reservations/index.ts";
import { extendRun, requireLockedRun } from "../runs/index.ts";
import { escrowAccount, orgAccount } from "./accounts.ts";
import type { TreasuryDeps } from "./reserve.ts";

/** In order of precedence. */
type VoidRefusal = "reservation_not_reserved" | "job_taken";

/** Give reserved money back, and cancel the job that rests on it when no provider has it. */
export function voidReservation(
  deps: TreasuryDeps,
  call: CommandCall,
  request: VoidReservationRequest,
): Promise<CommandReply> {
  return deps.authority.execute<VoidReservationResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const found = await findReservation(command.tx, org, request.reservationId);
    if (found === undefined) throw notFound("reservation", request.reservationId);
    // Locks in the order that every command keeps: run, job, reservation, accounts.
    const run = found.runId === undefined ? undefined : await requireLockedRun(command.tx, org, found.runId);
    const ordered = await findJobByReservation(command.tx, found.reservationId);
    const job = ordered === undefined ? undefined : await lockJob(command.tx, ordered.jobId);
    const reservation = (await lockReservation(command.tx, org, found.reservationId)) ?? found;
    const release: TransferRequest = {
      id: `${reservation.reservationId}:void`,
      kind: "void",
      pendingId: reservation.reservationId,
      amount: reservation.amountMsats,
      debitAccount: orgAccount(org).id,
      creditAccount: escrowAccount(org).id,
      unit: "msats",
    };
    const loaded = await loadForTransfers(command.tx, [release], command.nowMs());
    const nowMs = command.nowMs();
    const refused = refuseVoid(reservation, job, nowMs);
    if (refused !== undefined) {
      return { kind: "refused", rule: "state", reason: refused, detail: VOID_DETAILS[refused] };
    }

    const plan = planTransfers(loaded, [release], nowMs);
    const [result] = plan.results;
    if (result?.kind !== "created") throw new Error(`the ledger did not void ${reservation.reservationId}`);
    const facts = {
      reservation_id: reservation.reservationId,
      amount_msats: Number(reservation.amountMsats),
      ...(run === undefined ? {} : { run_id: run.runId }),
      ...(job === undefined ? {} : { job_id: job.jobId }),
    };
    const receipt = command.seal(
      "openagents.treasury.reservation_voided.v1",
      run?.runId ?? reservation.reservationId,
      facts,
      nowMs,
    );
    const event = { eventType: "budget.voided", payload: { ...facts, receipt_id: receipt.receipt_id } };
    return {
      kind: "answer",
      output: {
        reservation: reservationMessage({ ...reservation, status: "voided" }),
        receiptId: receipt.receipt_id,
      },
      writes: [
        ...endReservations([{ reservationId: reservation.reservationId, status: "voided", spentMsats: 0n }]),
        ...(job === undefined ? [] : [updateJob(settleJob(job, "canceled", nowMs))]),
        ...postingWrites(loaded, plan, receipt.receipt_id),
        ...(run === undefined ? [] : extendRun(run, [event], nowMs).writes),
      ],
    };
  });
}

function refuseVoid(reservation: Reservation, job: Job | undefined, nowMs: number): VoidRefusal | undefined {
  if (reservation.status !== "reserved") return "reservation_not_reserved";
  if (job !== undefined && isTaken(job, nowMs)) return "job_taken";
  return undefined;
}

const VOID_DETAILS: Readonly<Record<VoidRefusal, string>> = {
  reservation_not_reserved:
    "The reservation is not open any more: it was released, withheld, voided or expired.",
  job_taken: "A provider works on the job or has handed it in. Verify and settle it instead.",
};
