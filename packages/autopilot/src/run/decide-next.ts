// What follows a verdict: the end of the run, a person's word, or another attempt.
// Pure.

import type { Settlement, VerificationResult } from "@openagents/contracts";
import type { Attempt, RunProblem } from "./journal.ts";

export type Next =
  | { readonly kind: "succeeded" }
  | { readonly kind: "needs_review" }
  | { readonly kind: "again"; readonly problem: RunProblem }
  | { readonly kind: "failed"; readonly problem: RunProblem };

/** A check that shows nothing, or could not be run, is tried again this often in a run. */
const UNDECIDED_MAX = 1;

export function decideNext(
  verification: VerificationResult,
  settlement: Settlement | undefined,
  earlier: readonly Attempt[],
  attemptsMax: number,
): Next {
  const { verdict, review, disagreement } = verification;
  if (verdict === "needs_review" && review === undefined) return { kind: "needs_review" };
  const accepted = verdict === "needs_review" && review === "accepted";
  if ((verdict === "proven" || accepted) && settlement?.status === "released") return { kind: "succeeded" };

  const problem = problemOf(verification, settlement);
  // A disagreement is between providers; no other patch would settle it.
  if (disagreement || earlier.length + 1 >= attemptsMax) return { kind: "failed", problem };
  if (verdict === "failed") return { kind: "again", problem };
  const undecided = earlier.filter(({ orders }) => isUndecided(orders.at(-1)?.verification)).length;
  return isUndecided(verification) && undecided < UNDECIDED_MAX
    ? { kind: "again", problem }
    : { kind: "failed", problem };
}

function isUndecided(verification: VerificationResult | undefined): boolean {
  return verification?.verdict === "passed_only" || verification?.verdict === "inconclusive";
}

function problemOf(
  { verdict, because, disagreement, review, incidentId }: VerificationResult,
  settlement: Settlement | undefined,
): RunProblem {
  if (review === "rejected")
    return {
      step: "verify",
      code: "review_rejected",
      detail: "A person has looked at the patch and rejected it.",
    };
  if (disagreement) {
    const incident = incidentId === undefined ? "" : ` The incident is ${incidentId}.`;
    const detail = `Two runs of the check gave different results; ${describeDecision(settlement)}.${incident}`;
    return { step: "verify", code: "verdict_disagreement", detail };
  }
  if (verdict === "proven") {
    const detail = `The patch is proven, and its money was withheld (${settlement?.withheldReason ?? "no reason"}).`;
    return { step: "settle", code: "payment_withheld", detail };
  }
  const detail = `The verdict is ${verdict.replaceAll("_", " ")}: ${because}. The patch is not proven.`;
  return { step: "verify", code: `verdict_${verdict}`, detail };
}

/** What the third run came to, as far as money shows it. */
function describeDecision(settlement: Settlement | undefined): string {
  if (settlement?.status === "released")
    return "the operator's own run contradicts the second one, and the first provider was credited";
  if (settlement !== undefined && settlement.secondOpinionMsats > 0n)
    return "the operator's own run contradicts the first one, and the second provider was credited";
  if (settlement?.withheldReason === "incident_undecided")
    return "nobody decided in time which of them is right, and nobody was credited";
  return "the operator's own run bears out neither, and nobody was credited";
}
