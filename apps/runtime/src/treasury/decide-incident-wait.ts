// Whether the money of a job waits for what the operator decides about it. Pure.
//
// Nobody knows yet which of two reports that disagree is false, so that a settlement
// before the decision would leave whoever told the truth unpaid. The wait is bounded:
// an operator that never decides does not keep the buyer's money for ever.

import type { Incident } from "../fraud/index.ts";
import { RESERVATION_TTL_MS, type Reservation } from "../reservations/index.ts";

/** A job has one of them at most. */
type AwaitedReason = "dispute_open" | "incident_undecided";

export type AwaitedDecision = {
  readonly reason: AwaitedReason;
  readonly incidentId: string;
  /** From then on it is settled without the decision; undefined: never. */
  readonly untilMs: number | undefined;
};

/** Undefined: nothing is waited for, any more or at all. */
export function whyAwaited(
  incident: Pick<Incident, "incidentId" | "kind" | "status" | "openedAtMs"> | undefined,
  { expiresAtMs }: Pick<Reservation, "expiresAtMs">,
  nowMs: number,
): AwaitedDecision | undefined {
  if (incident === undefined || incident.status === "decided") return undefined;
  const { incidentId, kind } = incident;
  switch (kind) {
    case "dispute":
      return { reason: "dispute_open", incidentId, untilMs: undefined };
    case "disagreement": {
      // A buyer that reserves for a minute only leaves the operator as much time as any other.
      const untilMs = Math.max(expiresAtMs ?? 0, incident.openedAtMs + RESERVATION_TTL_MS);
      return nowMs < untilMs ? { reason: "incident_undecided", incidentId, untilMs } : undefined;
    }
    case "violation":
    case "allegation":
      // Nobody is paid for broken rules whatever is decided, and nothing follows from an allegation.
      return undefined;
  }
}
