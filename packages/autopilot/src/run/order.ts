// One purchase's commands. Each has a key made of run, attempt, order and step,
// so that a repeat finds the first answer and spends nothing twice, and what it
// answered is in the journal before anything follows from it.

import { randomUUID } from "node:crypto";
import type { Quote, Reservation, Settlement, VerificationResult } from "@openagents/contracts";
import { reading } from "../clients.ts";
import { isRefusedAs } from "./executor.ts";
import type { Order } from "./journal.ts";
import type { Session } from "./session.ts";
import { settleJob } from "./settle-job.ts";

export function currentOrder({ journal }: Pick<Session, "journal">): Order {
  return journal.current.attempts.at(-1)?.orders.at(-1) ?? {};
}

export function orderKey({ runId, journal }: Session): string {
  const { attempts } = journal.current;
  return `${runId}:${attempts.length}:${attempts.at(-1)?.orders.length ?? 0}`;
}

/** The money for the quote; a repeat finds what was set aside. */
export async function reserve(session: Session, quote: Quote): Promise<Reservation> {
  const { clients, journal, runId, signal } = session;
  const { reservation } = await clients.treasury.reserveCompute(
    { amountMsats: quote.totalPriceMsats, runId, quoteId: quote.quoteId },
    { idempotencyKey: `${orderKey(session)}:reserve`, signal },
  );
  await journal.saveOrder({ reservation });
  return reservation;
}

/** The job for the reservation; a repeat finds the job. */
export async function dispatch(session: Session): Promise<string> {
  const { clients, journal, signal } = session;
  const { quote, reservation } = currentOrder(session);
  if (quote === undefined || reservation === undefined)
    throw new Error("nothing is dispatched before it is reserved");
  const { job } = await clients.marketplace.dispatchSandboxRun(
    {
      quoteId: quote.quoteId,
      reservationId: reservation.reservationId,
      fallback: journal.current.request.fallback,
    },
    { idempotencyKey: `${orderKey(session)}:dispatch`, signal },
  );
  await journal.saveOrder({ jobId: job.jobId });
  return job.jobId;
}

export type Word = {
  readonly decision: "accepted" | "rejected";
  readonly note: string;
  /** Whose word it is: the run's own end rejects what no person has looked at. */
  readonly by: "person" | "ending";
};

/** A word on the current order. A job has one: when another was first, that is what is answered. */
export async function review(session: Session, { decision, note, by }: Word): Promise<VerificationResult> {
  const { clients, journal, pause, signal } = session;
  const { jobId } = currentOrder(session);
  if (jobId === undefined) throw new Error("nothing is reviewed before it is dispatched");
  // The ending says one thing only and must know its own word again; a person may say another thing the next time.
  const idempotencyKey = `${orderKey(session)}:review:${by === "ending" ? by : randomUUID()}`;
  try {
    const { verification } = await clients.verification.reviewVerification(
      { jobId, decision, note },
      { idempotencyKey, signal },
    );
    await journal.saveOrder({ verification, ...(by === "ending" ? { unseen: true } : {}) });
    return verification;
  } catch (cause) {
    if (!isRefusedAs(cause, "already_reviewed")) throw cause;
  }
  const read = () => clients.verification.getVerification({ jobId }, { signal });
  const { verification } = await reading(read, signal, pause);
  await journal.saveOrder({ verification });
  return verification;
}

/** Pay or withhold the current order. A repeat answers the settlement. Throws what `settleJob` throws. */
export async function settle(session: Session, waitMsMax?: number): Promise<Settlement> {
  const { journal } = session;
  const { jobId, settlement, verification } = currentOrder(session);
  if (settlement !== undefined) return settlement;
  if (jobId === undefined) throw new Error("nothing is settled before it is dispatched");
  const keep = (made: Settlement) => journal.saveOrder({ settlement: made });
  const { disagreement = false, incidentId } = verification ?? {};
  const job = { jobId, disagreement, incidentId };
  return settleJob(session, job, `${orderKey(session)}:settle`, keep, waitMsMax);
}
