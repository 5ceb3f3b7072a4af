// Ends reservations that nothing rests on any more, a page at a time.

import type { Authority, Command } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  ReconcileComputeRequest,
  ReconcileComputeResponse,
  ReconciledReservation,
  ReservationLeftReason,
} from "@openagents/contracts";
import { loadForTransfers, planTransfers, postingWrites, type TransferRequest } from "@openagents/ledger";
import type { Write } from "@openagents/postgres";
import type { JsonObject } from "@openagents/receipts";
import { decodeCursor, encodeCursor } from "@openagents/service";
import {
  canceledFacts,
  findJobByReservation,
  lockJob,
  settleJob,
  updateJob,
  type Job,
} from "../jobs/index.ts";
import {
  endReservations,
  listDueReservations,
  lockReservation,
  type Reservation,
} from "../reservations/index.ts";
import { extendRun, requireLockedRun, type EventDraft, type Run } from "../runs/index.ts";
import { escrowAccount, orgAccount } from "./accounts.ts";
import { whyLeft } from "./decide-expiry.ts";

/** Locked together, so that few enough at once keep nobody waiting. */
const PAGE = 50;

/** Read by the clock before the locks, looked at again behind them. */
export function reconcileCompute(
  deps: { readonly authority: Authority },
  call: CommandCall,
  request: ReconcileComputeRequest,
): Promise<CommandReply> {
  const after = parseCursor(request.cursor);
  const limit = request.limit ?? PAGE;
  return deps.authority.execute<ReconcileComputeResponse>(call, request, async (command) => {
    const found = await listDueReservations(command.tx, command.nowMs(), after, limit + 1);
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    const nextCursor =
      last === undefined
        ? undefined
        : cursorOf({ expiresAtMs: last.expiresAtMs ?? 0, reservationId: last.reservationId });
    const due = await lockDue(command, page);
    const decidedAtMs = command.nowMs();
    const freed = due.filter(({ job }) => whyLeft(job, decidedAtMs) === undefined);
    const expiries = freed.map(({ reservation }) => expiryOf(reservation));
    const loaded = await loadForTransfers(command.tx, expiries, decidedAtMs);
    const nowMs = command.nowMs();
    const left = due.flatMap((each) => {
      const because = whyLeft(each.job, decidedAtMs);
      return because === undefined ? [] : [reportOf(each, because)];
    });
    const freedMsats = freed.reduce((sum, { reservation }) => sum + reservation.amountMsats, 0n);
    const report = { freed: freed.map((each) => reportOf(each)), freedMsats, left, nextCursor };
    if (freed.length === 0) return { kind: "answer", output: report, writes: [] };

    const plan = planTransfers(loaded, expiries, nowMs);
    const unmade = plan.results.find((result) => result.kind !== "created");
    if (unmade !== undefined) throw new Error(`the ledger did not expire: ${JSON.stringify(unmade)}`);
    const receipt = command.seal(
      "openagents.treasury.reconciled.v1",
      "treasury_reconcile",
      {
        freed_reservation_ids: freed.map(({ reservation }) => reservation.reservationId),
        freed_msats: Number(freedMsats),
        left_reservation_ids: left.map(({ reservationId }) => reservationId),
      },
      nowMs,
    );
    return {
      kind: "answer",
      output: { ...report, receiptId: receipt.receipt_id },
      writes: [
        ...recordFreed(command, freed, nowMs),
        ...endReservations(
          freed.map(({ reservation: { reservationId } }) => ({
            reservationId,
            status: "expired",
            spentMsats: 0n,
          })),
        ),
        ...postingWrites(loaded, plan, receipt.receipt_id),
      ],
    };
  });
}

type Due = {
  readonly reservation: Reservation;
  readonly run: Run | undefined;
  readonly job: Job | undefined;
};

/** All runs first, in the order of their ids, then what hangs on each: the order that every command keeps. */
async function lockDue(command: Command, page: readonly Reservation[]): Promise<Due[]> {
  const ordered = page.toSorted((a, b) => compare(a.runId ?? "", b.runId ?? ""));
  const runs = new Map<string, Run>();
  for (const { org, runId } of ordered) {
    if (runId === undefined || runs.has(runId)) continue;
    runs.set(runId, await requireLockedRun(command.tx, org, runId));
  }
  const due: Due[] = [];
  for (const { org, reservationId, runId } of ordered) {
    const ordering = await findJobByReservation(command.tx, reservationId);
    const job = ordering === undefined ? undefined : await lockJob(command.tx, ordering.jobId);
    const reservation = await lockReservation(command.tx, org, reservationId);
    // Ended while we waited for its run.
    if (reservation?.status !== "reserved") continue;
    due.push({ reservation, run: runs.get(runId ?? ""), job });
  }
  return due;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function expiryOf({ reservationId, org, amountMsats }: Reservation): TransferRequest {
  return {
    id: `${reservationId}:expire`,
    kind: "expire",
    pendingId: reservationId,
    amount: amountMsats,
    debitAccount: orgAccount(org).id,
    creditAccount: escrowAccount(org).id,
    unit: "msats",
  };
}

/** Receipts in the name of each buyer, and the events of its run; a run with several has them in one row. */
function recordFreed(command: Command, freed: readonly Due[], nowMs: number): Write[] {
  const writes: Write[] = [];
  const drafts = new Map<string, { readonly run: Run; readonly events: EventDraft[] }>();
  for (const { reservation, run, job } of freed) {
    const events = drafts.get(run?.runId ?? "")?.events ?? [];
    const record = (schema: string, eventType: string, facts: JsonObject) => {
      const subject = run?.runId ?? reservation.reservationId;
      const receipt = command.seal(schema, subject, facts, nowMs, reservation.org);
      events.push({ eventType, payload: { ...facts, receipt_id: receipt.receipt_id } });
    };
    if (job?.status === "queued" || job?.status === "leased") {
      const facts = canceledFacts(job, "reservation_expired");
      record("openagents.runtime.job_canceled.v1", "job.canceled", facts);
      writes.push(updateJob(settleJob(job, "canceled", nowMs)));
    }
    record("openagents.treasury.reservation_expired.v1", "budget.expired", {
      reservation_id: reservation.reservationId,
      amount_msats: Number(reservation.amountMsats),
      expires_at: new Date(reservation.expiresAtMs ?? nowMs).toISOString(),
      ...(run === undefined ? {} : { run_id: run.runId }),
      ...(job === undefined ? {} : { job_id: job.jobId }),
    });
    if (run !== undefined) drafts.set(run.runId, { run, events });
  }
  for (const { run, events } of drafts.values()) writes.push(...extendRun(run, events, nowMs).writes);
  return writes;
}

function reportOf({ reservation, job }: Due, leftBecause?: ReservationLeftReason): ReconciledReservation {
  return {
    reservationId: reservation.reservationId,
    org: reservation.org,
    amountMsats: reservation.amountMsats,
    runId: reservation.runId,
    jobId: job?.jobId,
    expiresAt: reservation.expiresAtMs ?? 0,
    leftBecause,
  };
}

/** Where a page ends: what comes after it is due later. */
export type Place = { readonly expiresAtMs: number; readonly reservationId: string };

export const BEFORE_ALL: Place = { expiresAtMs: 0, reservationId: `rsv_${"0".repeat(32)}` };

export function cursorOf({ expiresAtMs, reservationId }: Place): string {
  return encodeCursor(`${expiresAtMs} ${reservationId}`);
}

function parseCursor(cursor: string | undefined): Place {
  if (cursor === undefined) return BEFORE_ALL;
  const [expiresAt = "", reservationId = ""] = decodeCursor(cursor, /^\d{1,16} rsv_[0-9a-f]{32}$/).split(" ");
  return { expiresAtMs: Number(expiresAt), reservationId };
}
