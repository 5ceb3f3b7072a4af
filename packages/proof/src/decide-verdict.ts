// What the legs of a job prove about a patch.
//
// Pure and total. Two legs suffice here: when a patch touches no test that was
// there before and no configuration, restoring the base's checks would give the
// tree that the patched leg already ran in; every other patch needs a person.

import type { PatchClassification } from "./classify-patch.ts";

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
};

export type VerdictDecision = { readonly verdict: Verdict; readonly because: string };

/** The shell's own words for "cannot be executed" and "not found": the check did not run. */
const NOT_STARTED = new Set([126, 127]);

/**
 * The verdict by exit codes, in this order of precedence:
 *
 * 1. `inconclusive`: a leg (patched first) hit a limit, was ended by a signal, has
 *    no exit code, could not start its command (126, 127), or passed without
 *    running every command.
 * 2. `failed`: the patched leg exited non-zero.
 * 3. `passed_only`: the base leg exited zero, so the check could not have failed.
 * 4. `needs_review`: the patch changes a test that was there before, or check configuration.
 * 5. `proven`.
 */
export function decideVerdict(input: {
  readonly base: LegOutcome;
  readonly patched: LegOutcome;
  readonly classification: PatchClassification;
}): VerdictDecision {
  const { base, patched, classification } = input;
  const unclear = whyUnclear("patched", patched) ?? whyUnclear("base", base);
  if (unclear !== undefined) return { verdict: "inconclusive", because: unclear };
  if (patched.exitCode !== 0) {
    return { verdict: "failed", because: `the check exits ${patched.exitCode} with the patch` };
  }
  if (base.exitCode === 0) {
    return {
      verdict: "passed_only",
      because: "the check passes without the patch too, so it could not have failed",
    };
  }
  const { existingTestPaths, checkConfigPaths } = classification;
  if (existingTestPaths.length > 0) {
    return {
      verdict: "needs_review",
      because: `the patch changes tests that were there before: ${some(existingTestPaths)}`,
    };
  }
  if (checkConfigPaths.length > 0) {
    return {
      verdict: "needs_review",
      because: `the patch changes how checks are run: ${some(checkConfigPaths)}`,
    };
  }
  return { verdict: "proven", because: `the check exits ${base.exitCode} on the base and 0 with the patch` };
}

function whyUnclear(leg: "base" | "patched", outcome: LegOutcome): string | undefined {
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

const NAMED_PATHS_MAX = 5;

function some(paths: readonly string[]): string {
  const named = paths.slice(0, NAMED_PATHS_MAX).join(", ");
  const more = paths.length - NAMED_PATHS_MAX;
  return more > 0 ? `${named}, and ${more} more` : named;
}
