// Whether a buyer may have a report of its own job looked at by the operator.
//
// Pure. The operator pays for that run, so who disputed in vain too often may not.

import type { JobPurpose } from "@openagents/contracts";
import type { BuyerStanding } from "../standings/index.ts";

export type DisputeFacts = {
  readonly purpose: JobPurpose;
  /** Whether it was a matter of judgement. */
  readonly isOpinion: boolean;
  /** Undefined before there is a verdict. */
  readonly verifiedAtMs: number | undefined;
  readonly hasResult: boolean;
  readonly hasIncident: boolean;
  readonly disputesOpen: number;
  readonly standing: BuyerStanding;
};

/** In order of precedence. */
export type DisputeRefusal =
  | "job_not_work"
  | "job_of_panel"
  | "job_not_verified"
  | "nothing_reported"
  | "incident_exists"
  | "dispute_window_over"
  | "disputes_open_max"
  | "disputes_lost_max";

export const DISPUTE_WINDOW_MS = 7 * 24 * 3_600_000;

export const DISPUTES_OPEN_MAX = 3;

/** So many lost disputes are forgiven, and more for who settles much. */
const LOST_FREE = 3;
const SETTLED_PER_LOST = 10;

export function decideDispute(facts: DisputeFacts, nowMs: number): DisputeRefusal | undefined {
  const { verifiedAtMs, standing } = facts;
  if (facts.purpose !== "work") return "job_not_work";
  if (facts.isOpinion) return "job_of_panel";
  if (verifiedAtMs === undefined) return "job_not_verified";
  if (!facts.hasResult) return "nothing_reported";
  if (facts.hasIncident) return "incident_exists";
  if (nowMs >= verifiedAtMs + DISPUTE_WINDOW_MS) return "dispute_window_over";
  if (facts.disputesOpen >= DISPUTES_OPEN_MAX) return "disputes_open_max";
  const lostMax = Math.max(LOST_FREE, Math.floor(standing.settledJobs / SETTLED_PER_LOST));
  return standing.disputesLost >= lostMax ? "disputes_lost_max" : undefined;
}
