// Whether one reported result proves anything.
//
// Pure: what was stored was read and hashed before; the same job, hashes, patch
// and reports give the same verdict when an auditor runs this again.

import type { Leg, LegResult, Proof, SandboxRunResult, SandboxRunSpec, Verdict } from "@openagents/contracts";
import {
  classifyPatch,
  decideLegs,
  patchFiles,
  type CheckConfig,
  type PatchClassification,
} from "@openagents/proof";

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
  readonly proof: Proof;
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
  /** What every honest run of the work answers, where that is one thing. */
  readonly answer?: string;
};

/** The decision on a result: one for each round of an adjudication, and one of any other job. */
export function decideRounds(
  spec: SandboxRunSpec,
  result: SandboxRunResult,
  repeats: number,
  evidence: Evidence,
): Decision[] {
  if (evidence.patch === undefined) return [inconclusive("the patch is not stored intact any more", [])];
  if ([...evidence.outputs.values()].includes("lost"))
    return [inconclusive("an output is not stored intact any more", [])];
  const classification = classifyPatch(patchFiles(evidence.patch), evidence.config, spec.checkPaths);
  const common = [
    ...(sameList(classification.testPaths, spec.patchTestPaths) ? [] : ["patch_test_paths_differ"]),
    ...(sameList(classification.guardPaths, spec.guardPaths) ? [] : ["guard_paths_differ"]),
    ...outputViolations(evidence.outputs),
  ];
  const perRound = result.legs.length / repeats;
  if (!Number.isInteger(perRound)) return [inconclusive(BROKEN, [...common, "legs_unexpected"])];
  return Array.from({ length: repeats }, (_, round) =>
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
  const readReport = (sha256: string) => evidence.reports.get(sha256);
  const { violations: broken, decided } = decideLegs(spec, legs, classification, readReport);
  const violations = [...common, ...broken];
  if (violations.length > 0 || decided === undefined) return inconclusive(BROKEN, violations);

  const exitCodes = new Map<Leg, number | undefined>();
  for (const leg of legs) exitCodes.set(leg.leg, leg.commands.at(-1)?.exitCode);
  const trees = new Map(legs.map((leg) => [leg.leg, leg.tree]));
  return { ...decided, violations: [], exitCodes, trees };
}

export function inconclusive(because: string, violations: readonly string[]): Decision {
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

export function outputViolations(outputs: ReadonlyMap<string, OutputState>): string[] {
  const violations: string[] = [];
  for (const [sha256, state] of outputs) {
    if (state === "missing") violations.push(`output_missing:${sha256}`);
    if (state === "foreign") violations.push(`output_of_another_job:${sha256}`);
  }
  return violations;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
