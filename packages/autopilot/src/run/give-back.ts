// Having an order's money back: what became of it is told by the runtime alone,
// because answers get lost on the way.

import { randomUUID } from "node:crypto";
import { ProblemError } from "@openagents/contracts";
import { isRefusedAs } from "./executor.ts";
import { currentOrder, reserve } from "./order.ts";
import type { Session } from "./session.ts";

/**
 * `back`: given back now, or never set aside. `moved`: it was not set aside any
 * more, because it was given back before or settled. `held`: a provider has the job.
 */
export type Returned = "back" | "moved" | "held";

/** Give the current order's money back unless a provider has its job. Throws when it stays unknown whether there is any. */
export async function giveBack(session: Session): Promise<Returned> {
  const { clients, signal } = session;
  const { quote, reserving } = currentOrder(session);
  if (quote === undefined || reserving !== true) return "back";
  // When the answer was lost, the same key tells whether the money is set aside.
  const reservation = currentOrder(session).reservation ?? (await reserve(session, quote).catch(wasRefused));
  if (reservation === undefined) return "back";
  try {
    await clients.treasury.voidReservation(
      { reservationId: reservation.reservationId },
      // A refusal is kept under its key, and what refuses now may not refuse later.
      { idempotencyKey: `${reservation.reservationId}:void:${randomUUID()}`, signal },
    );
    return "back";
  } catch (cause) {
    if (isRefusedAs(cause, "job_taken")) return "held";
    if (isRefusedAs(cause, "reservation_not_reserved")) return "moved";
    throw cause;
  }
}

/**
 * A decided refusal set nothing aside. Any other answer, a wrong token or too
 * many requests, decided nothing about a reservation that may have been made before.
 */
function wasRefused(cause: unknown): undefined {
  if (cause instanceof ProblemError && cause.code.startsWith("refused_") && cause.reason !== undefined)
    return undefined;
  throw cause;
}
