// The money of a run that ends: given back, or settled by what its provider
// reports. What a provider needs longer for stays open, and is closed another time.

import type { VerificationResult } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { ENDED_UNSEEN } from "../bundle/index.ts";
import { reading } from "../clients.ts";
import { giveBack } from "./give-back.ts";
import { isOpen } from "./journal.ts";
import { currentOrder, dispatch, review, settle } from "./order.ts";
import type { Session } from "./session.ts";
import { verify } from "./verify.ts";

/** How long an ending run waits for a provider that is at work, and for a decision. */
const GRACE_MS = 15_000;

const POLL_MS = 500;

/**
 * Leave no money lying: give a reservation back when no provider has the job;
 * finish the job when one has. The order is open still afterwards when the provider,
 * or the operator's decision of a disagreement, needs longer than the grace.
 */
export async function closeOrder(session: Session): Promise<void> {
  const { clients, journal, pause, nowMs, signal } = session;
  const giveUpMs = nowMs() + GRACE_MS;
  while (isOpen(currentOrder(session))) {
    const money = await giveBack(session);
    if (money === "back" || (money === "moved" && currentOrder(session).jobId === undefined)) {
      await journal.saveOrder({ closed: true });
      return;
    }
    // Only a dispatched job holds a reservation, so this finds the job and orders nothing.
    const jobId = currentOrder(session).jobId ?? (await dispatch(session));
    const { job } = await reading(() => clients.jobs.getJob({ jobId }, { signal }), signal, pause);
    if (job.status === "settled") await settle(session);
    else if (money === "moved") await journal.saveOrder({ closed: true });
    else if (job.status === "reported" || job.status === "verified") {
      const verification = await verifyWithin(session, jobId, giveUpMs);
      if (verification === undefined) return;
      if (verification.verdict === "needs_review" && verification.review === undefined)
        await review(session, { decision: "rejected", note: ENDED_UNSEEN, by: "ending" });
      if (!(await isSettledBy(session, giveUpMs))) return;
    } else {
      if (nowMs() >= giveUpMs) return;
      await pause(POLL_MS, signal);
      signal.throwIfAborted();
    }
  }
}

/** False: what it waits for is not decided by then. */
async function isSettledBy(session: Session, giveUpMs: number): Promise<boolean> {
  try {
    await settle(session, Math.max(0, giveUpMs - session.nowMs()));
    return true;
  } catch (cause) {
    if (cause instanceof AutopilotError && cause.code === "decision_stuck") return false;
    throw cause;
  }
}

/** The final verdict if it comes before the time; undefined otherwise. */
async function verifyWithin(
  session: Session,
  jobId: string,
  giveUpMs: number,
): Promise<VerificationResult | undefined> {
  const known = currentOrder(session).verification;
  if (known?.status === "final") return known;
  const enough = AbortSignal.timeout(Math.max(1, giveUpMs - session.nowMs()));
  try {
    return await verify({ ...session, signal: AbortSignal.any([session.signal, enough]) }, jobId);
  } catch (cause) {
    session.signal.throwIfAborted();
    if (enough.aborted) return undefined;
    if (cause instanceof AutopilotError) return undefined;
    throw cause;
  }
}
