// Who is paid for a verified job, and how the money splits.
//
// Pure. The first provider is paid for what a second run confirmed: by outcome, for
// a patch that is proven, or accepted by a person; by execution, for any answer.
// The second provider is paid when its run gave an answer that nobody disputes.
// Where two runs disagree the one that told the truth by the operator's decision is paid
// for its run, and nobody is where there is none in its time. Of a panel's copies, those
// are paid that gave the answer that was decided on; by execution, all that answered. Who
// charged less than its quote is paid what it charged. What is left is the buyer's again.

import type {
  Assurance,
  IncidentKind,
  IncidentOutcome,
  PayOn,
  Rerun,
  ReviewDecision,
  Verdict,
} from "@openagents/contracts";

export type SettlementDecision = {
  /** Absent: released. */
  readonly withheldReason: WithheldReason | undefined;
  readonly providerMsats: bigint;
  /** Absent: whoever repeated the run is paid, or nobody did. */
  readonly secondWithheldReason: SecondWithheldReason | undefined;
  readonly secondOpinionMsats: bigint;
  /** For all runs that are paid for. */
  readonly operatorFeeMsats: bigint;
  /** The part of it that is for the second run. */
  readonly secondFeeMsats: bigint;
};

/** In order of precedence. */
export type SecondWithheldReason = "incident_undecided" | "disagreement" | "dispute_upheld" | "no_answer";

/** In order of precedence. */
export type WithheldReason =
  | "violations"
  | "incident_undecided"
  | "disagreement"
  | "dispute_upheld"
  | "review_rejected"
  | "review_expired"
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
  readonly payOn: PayOn;
  readonly priced: Part & { readonly adderMsats: bigint };
  readonly secondOpinion: Part | undefined;
};

type Part = { readonly priceMsats: bigint; readonly feeMsats: bigint };

/** What each provider asked for; its quoted price where undefined. */
export type Charged = {
  readonly firstMsats: bigint | undefined;
  readonly secondMsats: bigint | undefined;
};

/** `expired`: nobody decided while the money was reserved. */
export type Reviewed = ReviewDecision | "expired" | undefined;

export function decideSettlement(
  verified: Verified,
  review: Reviewed,
  price: Price,
  charged: Charged,
  incident?: DecidedIncident,
): SettlementDecision {
  const withheldReason = whyWithheld(verified, review, price.payOn, incident);
  const first = withheldReason === undefined ? price.priced : undefined;
  const secondWithheldReason =
    price.secondOpinion === undefined ? undefined : whySecondWithheld(verified, incident);
  const second = secondWithheldReason === undefined ? price.secondOpinion : undefined;
  const secondFeeMsats = second?.feeMsats ?? 0n;
  return {
    withheldReason,
    providerMsats: asCharged(first, charged.firstMsats),
    secondWithheldReason,
    secondOpinionMsats: asCharged(second, charged.secondMsats),
    operatorFeeMsats: (first === undefined ? 0n : first.feeMsats + first.adderMsats) + secondFeeMsats,
    secondFeeMsats,
  };
}

/** Never more than the quote, whatever was charged. */
function asCharged(part: Part | undefined, chargedMsats: bigint | undefined): bigint {
  if (part === undefined) return 0n;
  return chargedMsats !== undefined && chargedMsats < part.priceMsats ? chargedMsats : part.priceMsats;
}

/** Whether a verdict has to wait for a person before its money moves. */
export function waitsForReview({ verdict }: Pick<Verified, "verdict">, payOn: PayOn): boolean {
  return verdict === "needs_review" && payOn === "outcome";
}

/** What the operator's own run came to; undefined where there is no incident, or it was not decided in its time. */
export type DecidedIncident =
  | { readonly kind: IncidentKind; readonly outcome: IncidentOutcome | undefined }
  | undefined;

/** Who gave an answer that nobody else's contradicts is paid. */
function whySecondWithheld(
  { assurance, disagreement }: Verified,
  incident: DecidedIncident,
): SecondWithheldReason | undefined {
  if (disagreement) return incident?.outcome === "first_struck" ? undefined : disagreed(incident);
  if (incident?.kind === "dispute" && isStruck("second", incident)) return "dispute_upheld";
  return assurance === "provider" ? "no_answer" : undefined;
}

function disagreed(incident: DecidedIncident): "incident_undecided" | "disagreement" {
  return incident?.outcome === undefined ? "incident_undecided" : "disagreement";
}

function isStruck(party: "first" | "second", incident: DecidedIncident): boolean {
  return incident?.outcome === `${party}_struck` || incident?.outcome === "both_struck";
}

function whyWithheld(
  verified: Verified,
  review: Reviewed,
  payOn: PayOn,
  incident: DecidedIncident,
): WithheldReason | undefined {
  if (verified.violations.length > 0) return "violations";
  // The first report would have been paid for, and the operator's runs say the same.
  if (verified.disagreement && incident?.outcome === "second_struck") return undefined;
  if (verified.disagreement) return disagreed(incident);
  if (incident?.kind === "dispute" && isStruck("first", incident)) return "dispute_upheld";
  if (verified.verdict === "agreed") return undefined;
  if (verified.verdict === "outvoted") return payOn === "execution" ? undefined : "verdict_outvoted";
  // The buyer's explicit choice, fixed in the quote, is what allows payment on the provider's word.
  const reportedIsEnough = verified.rerun?.decision === "not_drawn";
  const unconfirmed = verified.assurance === "provider" && !reportedIsEnough ? "not_confirmed" : undefined;
  if (payOn === "execution")
    return verified.verdict === "inconclusive" ? "verdict_inconclusive" : unconfirmed;
  if (verified.verdict === "needs_review" && review === "rejected") return "review_rejected";
  if (verified.verdict === "needs_review" && review === "expired") return "review_expired";
  const accepted = verified.verdict === "needs_review" && review === "accepted";
  if (verified.verdict !== "proven" && !accepted) return `verdict_${verified.verdict}`;
  return unconfirmed;
}
