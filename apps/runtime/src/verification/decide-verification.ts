// Whether one reported result proves anything.
//
// Pure: what was stored was read and hashed before; the same job, hashes, patch
// and reports give the same verdict when an auditor runs this again.

import type { Leg, LegResult, SandboxRunSpec, Verdict } from "@openagents/contracts";
import {
  classifyPatch,
  decideVerdict,
  patchFiles,
  readReport,
  type CheckConfig,
  type GuardOutcome,
  type LegOutcome,
  type PatchClassification,
} from "@openagents/proof";
import type { Job } from "../jobs/index.ts";

/** What the verifier read for itself. */
export type Evidence = {
  /** The stored patch; undefined when its bytes are gone or damaged. */
  readonly patch: string | undefined;
  /** The base's own rules on paths; undefined when it has none. */
  readonly config: CheckConfig | undefined;
  /** What became of each named output. */
  readonly outputs: ReadonlyMap<string, OutputState>;
  /** Bytes of the named reports, as far as they are stored and not too large. */
  readonly reports: ReadonlyMap<string, Buffer>;
};

/**
 * `intact`: handed in for this job, and stored as its hash says. `lost`: handed in,
 * and not stored so any more, which is no fault of the provider. `missing`: never
 * stored. `foreign`: stored, and not handed in for this job.
 */
export type OutputState = "intact" | "lost" | "missing" | "foreign";

export type Decision = {
  readonly verdict: Verdict;
  readonly because: string;
  readonly proof: "by_exit_code" | "by_tests";
  /** Rules that the result broke. An honest failing check breaks none. */
  readonly violations: readonly string[];
  /** Files that a person looks at. */
  readonly reviewPaths: readonly string[];
  /** How each leg that was run ended; without an exit code when something else ended it. */
  readonly exitCodes: ReadonlyMap<Leg, number | undefined>;
  /** The git tree that each leg says it ran in. */
  readonly trees: ReadonlyMap<Leg, string>;
  readonly testsFixed?: number | undefined;
  readonly testsKept?: number | undefined;
};

/** The decision on a job's report: one for each round of an adjudication, and one of any other job. */
export function decideRounds(job: Job, evidence: Evidence): Decision[] {
  const { result, spec } = job;
  if (result === undefined)
    return [inconclusive(`the provider reported ${job.failure?.code ?? "nothing"}`, [])];
  if (evidence.patch === undefined) return [inconclusive("the patch is not stored intact any more", [])];
  if ([...evidence.outputs.values()].includes("lost"))
    return [inconclusive("an output is not stored intact any more", [])];
  const classification = classifyPatch(patchFiles(evidence.patch), evidence.config, spec.checkPaths);
  const common = [
    ...(sameList(classification.testPaths, spec.patchTestPaths) ? [] : ["patch_test_paths_differ"]),
    ...(sameList(classification.guardPaths, spec.guardPaths) ? [] : ["guard_paths_differ"]),
    ...outputViolations(evidence.outputs),
  ];
  const perRound = result.legs.length / job.repeats;
  if (!Number.isInteger(perRound)) return [inconclusive(BROKEN, [...common, "legs_unexpected"])];
  return Array.from({ length: job.repeats }, (_, round) =>
    decideRound(
      spec,
      result.legs.slice(round * perRound, (round + 1) * perRound),
      classification,
      evidence,
      common,
    ),
  );
}

const BROKEN = "the report breaks the rules of its job";

function decideRound(
  spec: SandboxRunSpec,
  legs: readonly LegResult[],
  classification: PatchClassification,
  evidence: Evidence,
  common: readonly string[],
): Decision {
  const [base, patched, guard, ...others] = legs;
  const violations = [
    ...common,
    ...legViolations(spec, base, "base"),
    ...legViolations(spec, patched, "patched"),
    ...(guard === undefined ? [] : legViolations(spec, guard, "guard")),
    ...(others.length === 0 ? [] : ["legs_unexpected"]),
    ...(guard === undefined || spec.guardPaths.length > 0 ? [] : ["guard_leg_unexpected"]),
    ...treeViolations(spec, classification, base, patched, guard),
  ];
  if (violations.length > 0 || base === undefined || patched === undefined)
    return inconclusive(BROKEN, violations);

  const outcomes = {
    base: outcomeOf(base, spec, evidence),
    patched: outcomeOf(patched, spec, evidence),
    guard: guardOutcome(guard, spec, evidence),
  };
  const decided = decideVerdict({ ...outcomes, runner: spec.testRunner, classification });
  const exitCodes = new Map<Leg, number | undefined>();
  for (const leg of legs) exitCodes.set(leg.leg, leg.commands.at(-1)?.exitCode);
  const trees = new Map(legs.map((leg) => [leg.leg, leg.tree]));
  return { ...decided, violations: [], exitCodes, trees };
}

function inconclusive(because: string, violations: readonly string[]): Decision {
  return {
    verdict: "inconclusive",
    because,
    proof: "by_exit_code",
    violations: [...new Set(violations)],
    reviewPaths: [],
    exitCodes: new Map(),
    trees: new Map(),
  };
}

/** A guard leg that was due and is absent could not be made; the second run says the same or disagrees. */
function guardOutcome(guard: LegResult | undefined, spec: SandboxRunSpec, evidence: Evidence): GuardOutcome {
  if (guard !== undefined) return { kind: "ran", outcome: outcomeOf(guard, spec, evidence) };
  if (spec.guardPaths.length === 0) return { kind: "nothing_to_guard" };
  return { kind: "not_possible", because: "the guard leg was not run" };
}

function legViolations(spec: SandboxRunSpec, leg: LegResult | undefined, name: Leg): string[] {
  if (leg === undefined || leg.leg !== name) return [`${name}_leg_missing`];
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
  if (leg.reportSha256 !== undefined && spec.testRunner === undefined)
    violations.push(`${name}_report_unexpected`);
  return violations;
}

/** What the trees must be whatever the patch is; which they are exactly, a second run and an offline check compute. */
function treeViolations(
  spec: SandboxRunSpec,
  { testPaths, checkConfigPaths, sourcePaths }: PatchClassification,
  base: LegResult | undefined,
  patched: LegResult | undefined,
  guard: LegResult | undefined,
): string[] {
  if (base === undefined || patched === undefined) return [];
  const violations: string[] = [];
  if (spec.patchTestPaths.length === 0 && base.tree !== spec.baseTree) violations.push("base_tree_differs");
  // The base leg has the patch's tests, so it is the patched leg where the patch is nothing else.
  const isOfTests = sourcePaths.length === 0 && checkConfigPaths.every((path) => testPaths.includes(path));
  if (isOfTests && base.tree !== patched.tree) violations.push("base_tree_differs");
  if (!isOfTests && base.tree === patched.tree) violations.push("trees_equal");
  if (guard?.tree === patched.tree) violations.push("trees_equal");
  return violations;
}

function outputViolations(outputs: ReadonlyMap<string, OutputState>): string[] {
  const violations: string[] = [];
  for (const [sha256, state] of outputs) {
    if (state === "missing") violations.push(`output_missing:${sha256}`);
    if (state === "foreign") violations.push(`output_of_another_job:${sha256}`);
  }
  return violations;
}

/** The leg's last command speaks for the leg: it ran to the end or failed there. */
function outcomeOf(leg: LegResult, spec: SandboxRunSpec, evidence: Evidence): LegOutcome {
  const last = leg.commands.at(-1);
  const limit = leg.commands.find((command) => command.limit !== undefined)?.limit;
  const report = reportOf(leg, spec, evidence);
  return {
    commandsExpected: spec.commands.length,
    commandsRun: leg.commands.length,
    ...(last?.exitCode === undefined ? {} : { exitCode: last.exitCode }),
    ...(last?.signal === undefined ? {} : { signal: last.signal }),
    ...(limit === undefined ? {} : { limit }),
    ...(report === undefined ? {} : { report }),
  };
}

function reportOf(leg: LegResult, spec: SandboxRunSpec, evidence: Evidence): LegOutcome["report"] {
  if (spec.testRunner === undefined) return undefined;
  const packed = leg.reportSha256 === undefined ? undefined : evidence.reports.get(leg.reportSha256);
  if (packed !== undefined) return readReport(spec.testRunner, packed);
  return { complete: false, because: "nothing was reported", tests: new Map() };
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
