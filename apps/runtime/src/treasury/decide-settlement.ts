// Who is paid for a verified job, and how the money splits.
//
// Pure. The first provider is paid for a patch that is proven, or accepted by a
// person, and that a second run confirmed. The second provider is paid when its run
// gave an answer that nobody disputes. What is left is the buyer's again.

import type { Assurance, Rerun, ReviewDecision, Verdict } from "@openagents/contracts";

export type SettlementDecision = {
  /** Absent: released. */
  readonly withheldReason: WithheldReason | undefined;
  readonly providerMsats: bigint;
  readonly secondOpinionMsats: bigint;
  readonly operatorFeeMsats: bigint;
};

/** In order of precedence. */
export type WithheldReason =
  | "violations"
  | "disagreement"
  | "review_rejected"
  | `verdict_${Exclude<Verdict, "proven">}`
  | "not_confirmed";

export type Verified = {
  readonly verdict: Verdict;
  readonly assurance: Assurance;
  readonly violations: readonly string[];
  readonly disagreement: boolean;
  readonly rerun: Pick<Rerun, "decision"> | undefined;
};

export type Price = {
  readonly providerPriceMsats: bigint;
  readonly operatorFeeMsats: bigint;
  readonly secondOpinion: { readonly priceMsats: bigint; readonly feeMsats: bigint } | undefined;
};

export function decideSettlement(
  verified: Verified,
  review: ReviewDecision | undefined,
  price: Price,
): SettlementDecision {
  const withheldReason = whyWithheld(verified, review);
  const released = withheldReason === undefined;
  const second = verified.assurance === "provider" ? undefined : price.secondOpinion;
  return {
    withheldReason,
    providerMsats: released ? price.providerPriceMsats : 0n,
    secondOpinionMsats: second?.priceMsats ?? 0n,
    operatorFeeMsats: (released ? price.operatorFeeMsats : 0n) + (second?.feeMsats ?? 0n),
  };
}

function whyWithheld(verified: Verified, review: ReviewDecision | undefined): WithheldReason | undefined {
  if (verified.violations.length > 0) return "violations";
  if (verified.disagreement) return "disagreement";
  if (verified.verdict === "needs_review" && review === "rejected") return "review_rejected";
  const accepted = verified.verdict === "needs_review" && review === "accepted";
  if (verified.verdict !== "proven" && !accepted) return `verdict_${verified.verdict}`;
  // The buyer's explicit choice, fixed in the quote, is what allows payment on the provider's word.
  const reportedIsEnough = verified.rerun?.decision === "not_drawn";
  return verified.assurance === "provider" && !reportedIsEnough ? "not_confirmed" : undefined;
}
