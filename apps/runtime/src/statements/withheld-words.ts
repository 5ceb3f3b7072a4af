// Why a provider was not paid, in its own words. Pure.

/** Of the work itself, or of a run that repeated it. */
export function describeWithheld(reason: string): string {
  return WORDS[reason] ?? `The payment was withheld: ${reason}.`;
}

const WORDS: Readonly<Record<string, string>> = {
  violations: "The report breaks a rule of its job, such as naming an output that was never stored.",
  incident_undecided:
    "Another run of the same work came to something else, and nobody decided in time which of the two is right.",
  disagreement: "Another run of the same work came to something else.",
  dispute_upheld: "The buyer disputed the report, and the operator's own run contradicts it.",
  review_rejected: "The buyer looked at the patch and rejected it.",
  review_expired: "Nobody reviewed the patch while its money was reserved.",
  verdict_passed_only: "The check passes on the base too, so it proves nothing.",
  verdict_failed: "The check does not pass on the patch. That is no fault of the worker.",
  verdict_inconclusive: "The runs gave no answer, because of a limit or a flaky check.",
  verdict_needs_review: "Nobody accepted a patch that changes what decides whether it passes.",
  verdict_outvoted: "Another answer was decided on, or none. To judge otherwise is no fault of the worker.",
  not_confirmed: "Nobody else could repeat the run, so it was not confirmed.",
  no_answer: "The run gave no answer that the first one could be compared with.",
};
