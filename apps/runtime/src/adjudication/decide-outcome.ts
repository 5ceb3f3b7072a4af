// Who made a false report, by the operator's own runs of the job.
//
// Pure. Nobody is struck unless the operator's runs agree with each other: when
// they differ on one tree, the check is flaky and everybody told the truth.

import type { IncidentKind, IncidentOutcome } from "@openagents/contracts";
import { decideAgreement, type Decision } from "../verification/index.ts";

export type Parties = {
  readonly kind: IncidentKind;
  readonly first: Decision;
  /** Undefined when the first report broke the rules before anyone repeated it. */
  readonly second: Decision | undefined;
};

export type OutcomeDecision = { readonly outcome: IncidentOutcome; readonly because: string };

export function decideOutcome(
  { kind, first, second }: Parties,
  rounds: readonly Decision[],
): OutcomeDecision {
  const [third, ...again] = rounds;
  if (third === undefined || rounds.some((round) => round.violations.length > 0)) {
    return { outcome: "undecided", because: "the operator's own run could not be made" };
  }
  for (const round of again) {
    const agreement = decideAgreement(third, round);
    if (agreement.kind === "disagree")
      return { outcome: "flaky", because: `the operator's own runs differ: ${agreement.because}` };
  }
  if (rounds.some((round) => round.verdict === "inconclusive"))
    return { outcome: "undecided", because: `the operator's own run says nothing: ${third.because}` };
  if (kind === "violation") {
    return {
      outcome: "first_struck",
      because: `the job can be run as ordered, and the report broke its rules`,
    };
  }
  // A report that came to nothing by a limit contradicts nobody, and nobody contradicts it.
  const firstFalse = decideAgreement(third, first).kind === "disagree";
  const secondFalse = second !== undefined && decideAgreement(third, second).kind === "disagree";
  if (firstFalse && secondFalse)
    return { outcome: "both_struck", because: "the operator's runs contradict both reports" };
  if (firstFalse)
    return { outcome: "first_struck", because: "the operator's runs contradict the first report" };
  if (secondFalse)
    return { outcome: "second_struck", because: "the operator's runs contradict the second report" };
  if (kind === "dispute")
    return { outcome: "report_confirmed", because: "the operator's runs say what the disputed report says" };
  return { outcome: "undecided", because: "the operator's runs contradict neither report" };
}

/** Who is struck by an outcome. */
export function struckParties(outcome: IncidentOutcome): readonly ("first" | "second")[] {
  switch (outcome) {
    case "first_struck":
      return ["first"];
    case "second_struck":
      return ["second"];
    case "both_struck":
      return ["first", "second"];
    case "flaky":
    case "undecided":
    case "report_confirmed":
    case "allegation_upheld":
    case "allegation_dismissed":
      return [];
  }
}
