// What the legs of a job prove about a patch.
//
// Pure and total. Exit codes alone prove little, since a module that exits early
// passes most runners; where the job names a test runner, the reports of the
// legs are compared by test name as well.

import type { PatchClassification } from "./classify-patch.ts";
import { decideFixed, whyNotKept, whyNotPassed } from "./compare-reports.ts";
import type { TestReport, TestRunner } from "./runners/index.ts";

export type Verdict = "proven" | "needs_review" | "passed_only" | "failed" | "inconclusive";

/** How one leg ended; the leg's last command speaks for it. */
export type LegOutcome = {
  /** Absent when a signal ended the command. */
  readonly exitCode?: number;
  readonly signal?: string;
  /** A limit that any command of the leg, or a child of one, ran into. */
  readonly limit?: string;
  readonly commandsExpected: number;
  /** Fewer than expected when the leg stopped at its first failing command. */
  readonly commandsRun: number;
  /** Present when the job names a test runner; not complete when nothing was reported. */
  readonly report?: TestReport;
};

/** The leg with the base's tests, scripts and configuration put back over the patch. */
export type GuardOutcome =
  | { readonly kind: "ran"; readonly outcome: LegOutcome }
  /** Putting them back changes nothing, so the patched leg was this leg. */
  | { readonly kind: "same_tree" }
  /** The patch touches none of them. */
  | { readonly kind: "nothing_to_guard" }
  | { readonly kind: "not_possible"; readonly because: string };

export type VerdictDecision = {
  readonly verdict: Verdict;
  readonly because: string;
  /** What was compared to come to it. */
  readonly proof: "by_exit_code" | "by_tests";
  /** What a person has to look at; sorted, and empty unless the verdict is `needs_review`. */
  readonly reviewPaths: readonly string[];
  /** By tests, when proven: how many pass with the patch that did not pass on the base. */
  readonly testsFixed?: number;
  /** By tests, when proven: how many passed on the base and still do. */
  readonly testsKept?: number;
};

type Legs = {
  readonly base: LegOutcome;
  readonly patched: LegOutcome;
  readonly guard: GuardOutcome;
  /** Absent: legs are compared by exit code alone. */
  readonly runner?: TestRunner | undefined;
  readonly classification: PatchClassification;
};

/** The shell's own words for "cannot be executed" and "not found": the check did not run. */
const NOT_STARTED = new Set([126, 127]);

/**
 * The verdict, in this order of precedence:
 *
 * 1. `inconclusive`: a leg (patched first, then base, then guard) hit a limit, was
 *    ended by a signal, has no exit code, could not start its command (126, 127),
 *    or passed without running every command.
 * 2. `failed`: the patched leg exited non-zero; or by tests, its report is not
 *    complete, is empty, or has a test that fails, or a test of the base does not
 *    pass any more, did not come to pass, or is gone.
 * 3. `passed_only`: the base leg exited zero, or no test failed there, so the
 *    check could not have failed.
 * 4. `failed`: the guard leg exited non-zero; or by tests, its report is not
 *    complete or has a test that is not in the patched report as passing.
 * 5. `needs_review`: the patch changes check configuration; the guard leg could
 *    not be run; or by exit code, the patch removes tests, since only names would
 *    show what went with them, or adds source that can end its process, since only
 *    a report would show that the check came to its end.
 * 6. `proven`.
 */
export function decideVerdict(legs: Legs): VerdictDecision {
  const { base, patched, guard, runner } = legs;
  const proof = runner === undefined ? "by_exit_code" : "by_tests";
  const decided = (verdict: Verdict, because: string): VerdictDecision => ({
    verdict,
    because,
    proof,
    reviewPaths: [],
  });

  const unclear =
    whyUnclear("patched", patched) ??
    whyUnclear("base", base) ??
    (guard.kind === "ran" ? whyUnclear("guard", guard.outcome) : undefined);
  if (unclear !== undefined) return decided("inconclusive", unclear);

  const compared = runner === undefined ? undefined : reportsOf(legs, runner);
  const failed =
    whyExited(patched, "the check", "with the patch") ??
    (compared && (whyNotPassed(compared.patched) ?? whyNotKept(compared.base, compared.patched)));
  if (failed !== undefined) return decided("failed", failed);

  if (base.exitCode === 0) {
    return decided("passed_only", "the check passes without the patch too, so it could not have failed");
  }
  const fixed = compared && decideFixed(compared.base, compared.patched, compared.runner);
  if (fixed?.because !== undefined) return decided("passed_only", fixed.because);

  const guarded = whyGuardFails(guard, compared?.patched);
  if (guarded !== undefined) return decided("failed", guarded);

  const review = whyReview(legs);
  if (review !== undefined) {
    return { ...decided("needs_review", review.because), reviewPaths: sorted(review.paths) };
  }
  if (fixed === undefined) {
    return decided("proven", `the check exits ${base.exitCode} on the base and 0 with the patch`);
  }
  const { testsFixed, testsKept } = fixed;
  const passing = testsFixed === 1 ? "1 test passes" : `${testsFixed} tests pass`;
  const because = `${passing} that did not on the base, ${testsKept} still pass, none is gone`;
  return { ...decided("proven", because), testsFixed, testsKept };
}

const NOTHING_REPORTED: TestReport = { complete: false, because: "nothing was reported", tests: new Map() };

type Reports = { readonly base: TestReport; readonly patched: TestReport; readonly runner: TestRunner };

function reportsOf({ base, patched }: Legs, runner: TestRunner): Reports {
  return { base: base.report ?? NOTHING_REPORTED, patched: patched.report ?? NOTHING_REPORTED, runner };
}

function whyExited(leg: LegOutcome, what: string, how: string): string | undefined {
  return leg.exitCode === 0 ? undefined : `${what} exits ${leg.exitCode} ${how}`;
}

/** With reports when `patched` is there. */
function whyGuardFails(guard: GuardOutcome, patched: TestReport | undefined): string | undefined {
  if (guard.kind !== "ran") return undefined;
  const { outcome } = guard;
  const exited = whyExited(outcome, "the check", "then");
  const report = outcome.report ?? NOTHING_REPORTED;
  const because = exited ?? (patched && (whyNotPassed(report) ?? whyNotKept(report, patched)));
  return because === undefined
    ? undefined
    : `the tests that were there before, put back over the patch, fail: ${because}`;
}

function whyReview(legs: Legs): { readonly because: string; readonly paths: readonly string[] } | undefined {
  const { guard, runner, classification } = legs;
  const { checkConfigPaths, guardPaths, removedTestPaths } = classification;
  const removed = runner === undefined ? removedTestPaths : [];
  if (guard.kind === "not_possible") {
    const paths = [...guardPaths, ...checkConfigPaths];
    return { because: `the tests that were there before could not be run: ${guard.because}`, paths };
  }
  if (guard.kind === "nothing_to_guard" && guardPaths.length > 0) {
    const paths = [...guardPaths, ...checkConfigPaths];
    return { because: `the tests that were there before were not run: ${some(guardPaths)}`, paths };
  }
  if (checkConfigPaths.length > 0) {
    const paths = [...checkConfigPaths, ...removed];
    return { because: `the patch changes how checks are run: ${some(checkConfigPaths)}`, paths };
  }
  if (removed.length > 0) {
    return { because: `the patch removes tests that were there before: ${some(removed)}`, paths: removed };
  }
  if (runner === undefined && classification.endingPaths.length > 0) {
    const paths = classification.endingPaths;
    const because = `the patch adds source that can end the process, and only exit codes were compared: ${some(paths)}`;
    return { because, paths };
  }
  return undefined;
}

function whyUnclear(leg: "base" | "patched" | "guard", outcome: LegOutcome): string | undefined {
  const { exitCode, signal, limit, commandsExpected, commandsRun } = outcome;
  if (limit !== undefined) return `the ${leg} leg hit its ${limit} limit`;
  if (signal !== undefined) return `the ${leg} leg was ended by ${signal}`;
  if (exitCode === undefined) return `the ${leg} leg has no exit code`;
  if (NOT_STARTED.has(exitCode)) return `the ${leg} leg could not start its command (exit ${exitCode})`;
  if (exitCode === 0 && (commandsRun < 1 || commandsRun !== commandsExpected)) {
    return `the ${leg} leg ran ${commandsRun} of ${commandsExpected} commands`;
  }
  return undefined;
}

function sorted(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].sort();
}

const NAMED_PATHS_MAX = 5;

function some(paths: readonly string[]): string {
  const named = paths.slice(0, NAMED_PATHS_MAX).join(", ");
  const more = paths.length - NAMED_PATHS_MAX;
  return more > 0 ? `${named}, and ${more} more` : named;
}
