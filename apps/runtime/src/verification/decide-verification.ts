// Whether a reported result proves anything.
//
// Pure: what was stored was read and hashed before; the same job, hashes and
// patch give the same verdict when an auditor runs this again.

import type { LegResult, SandboxRunSpec, Verdict } from "@openagents/contracts";
import { classifyPatch, decideVerdict, patchFiles, type LegOutcome } from "@openagents/proof";
import type { Job } from "../jobs/index.ts";

/** What the verifier read for itself. */
export type Evidence = {
  /** The stored patch; undefined when its bytes are gone or damaged. */
  readonly patch: string | undefined;
  /** The hash of each named output as stored now; absent when nothing is stored under it. */
  readonly outputs: ReadonlyMap<string, string>;
};

export type Decision = {
  readonly verdict: Verdict;
  readonly because: string;
  /** Rules that the result broke. An honest failing check breaks none. */
  readonly violations: readonly string[];
  readonly baseExitCode: number | undefined;
  readonly patchedExitCode: number | undefined;
};

export function decideVerification(job: Job, evidence: Evidence): Decision {
  const { result, spec } = job;
  if (result === undefined)
    return inconclusive(`the provider reported ${job.failure?.code ?? "nothing"}`, []);

  const base = result.legs.find((leg) => leg.leg === "base");
  const patched = result.legs.find((leg) => leg.leg === "patched");
  if (evidence.patch === undefined) return inconclusive("the patch is not stored intact any more", []);
  const classification = classifyPatch(patchFiles(evidence.patch));
  const violations = [
    ...legViolations(spec, base, "base"),
    ...legViolations(spec, patched, "patched"),
    ...(result.legs.length === 2 ? [] : ["legs_unexpected"]),
    ...(sameList(classification.testPaths, spec.patchTestPaths) ? [] : ["patch_test_paths_differ"]),
    ...treeViolations(spec, base, patched),
    ...outputViolations(evidence.outputs),
  ];
  if (violations.length > 0 || base === undefined || patched === undefined) {
    return inconclusive("the report breaks the rules of its job", violations);
  }
  const baseOutcome = outcomeOf(base, spec);
  const patchedOutcome = outcomeOf(patched, spec);
  const { verdict, because } = decideVerdict({ base: baseOutcome, patched: patchedOutcome, classification });
  return {
    verdict,
    because,
    violations: [],
    baseExitCode: baseOutcome.exitCode,
    patchedExitCode: patchedOutcome.exitCode,
  };
}

function inconclusive(because: string, violations: readonly string[]): Decision {
  return {
    verdict: "inconclusive",
    because,
    violations,
    baseExitCode: undefined,
    patchedExitCode: undefined,
  };
}

function legViolations(spec: SandboxRunSpec, leg: LegResult | undefined, name: string): string[] {
  if (leg === undefined) return [`${name}_leg_missing`];
  const violations: string[] = [];
  // A leg stops at its first failing command, so it may report fewer, never others.
  const prefix = spec.commands.slice(0, leg.commands.length);
  if (
    !sameList(
      prefix,
      leg.commands.map((command) => command.command),
    )
  )
    violations.push(`${name}_commands_differ`);
  const last = leg.commands.at(-1);
  const stoppedEarly = leg.commands.length < spec.commands.length;
  if (stoppedEarly && last?.exitCode === 0 && last.limit === undefined)
    violations.push(`${name}_commands_missing`);
  const before = leg.commands.slice(0, -1);
  if (before.some((command) => command.exitCode !== 0)) violations.push(`${name}_went_on_after_failure`);
  if (leg.commands.some((command) => (command.exitCode === undefined) === (command.signal === undefined))) {
    violations.push(`${name}_exit_unclear`);
  }
  return violations;
}

/** What the trees must be whatever the patch is; which they are exactly, an offline check computes. */
function treeViolations(
  spec: SandboxRunSpec,
  base: LegResult | undefined,
  patched: LegResult | undefined,
): string[] {
  if (base === undefined || patched === undefined) return [];
  const violations: string[] = [];
  if (spec.patchTestPaths.length === 0 && base.tree !== spec.baseTree) violations.push("base_tree_differs");
  if (base.tree === patched.tree) violations.push("trees_equal");
  return violations;
}

function outputViolations(outputs: ReadonlyMap<string, string>): string[] {
  const violations: string[] = [];
  for (const [named, actual] of outputs) {
    if (actual === "") violations.push(`output_missing:${named}`);
    else if (actual !== named) violations.push(`output_hash_mismatch:${named}`);
  }
  return violations;
}

/** The leg's last command speaks for the leg: it ran to the end or failed there. */
function outcomeOf(leg: LegResult, spec: SandboxRunSpec): LegOutcome {
  const last = leg.commands.at(-1);
  const limit = leg.commands.find((command) => command.limit !== undefined)?.limit;
  return {
    commandsExpected: spec.commands.length,
    commandsRun: leg.commands.length,
    ...(last?.exitCode === undefined ? {} : { exitCode: last.exitCode }),
    ...(last?.signal === undefined ? {} : { signal: last.signal }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
