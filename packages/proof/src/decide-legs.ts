// What a provider's report of a job's legs proves, and which rules of its job it
// breaks.
//
// Pure, and the only place for these rules: the operator's verifier, the second
// opinion and a reader of the bundle all ask here, so they cannot disagree.

import type { PatchClassification } from "./classify-patch.ts";
import { decideVerdict, type GuardOutcome, type LegOutcome, type VerdictDecision } from "./decide-verdict.ts";
import { readReport, type TestReport, type TestRunner } from "./runners/index.ts";

export type ReportedCommand = {
  readonly command: string;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly limit?: string | undefined;
};

export type ReportedLeg = {
  readonly leg: string;
  readonly tree: string;
  readonly commands: readonly ReportedCommand[];
  readonly reportSha256?: string | undefined;
};

/** What of a job its report is held against. */
export type LegsOrder = {
  readonly commands: readonly string[];
  readonly baseTree: string;
  readonly patchTestPaths: readonly string[];
  readonly guardPaths: readonly string[];
  readonly testRunner?: TestRunner | undefined;
};

export type LegsDecision = {
  /** Rules that the report breaks; an honest failing check breaks none. */
  readonly violations: readonly string[];
  /** What the legs show as they are reported; undefined when the base or the patched leg is not there. */
  readonly decided: VerdictDecision | undefined;
};

/** Decide on one round of legs. `readBytes` gives a stored report by its hash; undefined when it is not there. */
export function decideLegs(
  order: LegsOrder,
  legs: readonly ReportedLeg[],
  classification: PatchClassification,
  readBytes: (sha256: string) => Buffer | undefined,
): LegsDecision {
  const [base, patched, guard, ...others] = legs;
  const violations = [
    ...legViolations(order, base, "base"),
    ...legViolations(order, patched, "patched"),
    ...(guard === undefined ? [] : legViolations(order, guard, "guard")),
    ...(others.length === 0 ? [] : ["legs_unexpected"]),
    ...(guard === undefined || order.guardPaths.length > 0 ? [] : ["guard_leg_unexpected"]),
    ...treeViolations(order, classification, base, patched, guard),
  ];
  if (base === undefined || patched === undefined) return { violations, decided: undefined };
  const decided = decideVerdict({
    base: outcomeOf(base, order, readBytes),
    patched: outcomeOf(patched, order, readBytes),
    guard: guardOutcome(guard, order, readBytes),
    runner: order.testRunner,
    classification,
  });
  return { violations, decided };
}

type ReadBytes = (sha256: string) => Buffer | undefined;

/** A guard leg that was due and is absent could not be made; the second run says the same or disagrees. */
function guardOutcome(guard: ReportedLeg | undefined, order: LegsOrder, readBytes: ReadBytes): GuardOutcome {
  if (guard !== undefined) return { kind: "ran", outcome: outcomeOf(guard, order, readBytes) };
  if (order.guardPaths.length === 0) return { kind: "nothing_to_guard" };
  return { kind: "not_possible", because: "the guard leg was not run" };
}

function legViolations(order: LegsOrder, leg: ReportedLeg | undefined, name: string): string[] {
  if (leg === undefined || leg.leg !== name) return [`${name}_leg_missing`];
  const violations: string[] = [];
  // A leg stops at its first failing command, so it may report fewer, never others.
  const differs = leg.commands.some(({ command }, index) => command !== order.commands[index]);
  if (differs || leg.commands.length === 0) violations.push(`${name}_commands_differ`);
  const last = leg.commands.at(-1);
  const stoppedEarly = leg.commands.length < order.commands.length;
  if (stoppedEarly && last?.exitCode === 0 && last.limit === undefined)
    violations.push(`${name}_commands_missing`);
  const before = leg.commands.slice(0, -1);
  if (before.some((command) => command.exitCode !== 0)) violations.push(`${name}_went_on_after_failure`);
  if (leg.commands.some((command) => (command.exitCode === undefined) === (command.signal === undefined))) {
    violations.push(`${name}_exit_unclear`);
  }
  if (leg.reportSha256 !== undefined && order.testRunner === undefined)
    violations.push(`${name}_report_unexpected`);
  return violations;
}

/** What the trees must be whatever the patch is; which they are exactly, a second run and an offline check compute. */
function treeViolations(
  order: LegsOrder,
  { testPaths, checkConfigPaths, sourcePaths }: PatchClassification,
  base: ReportedLeg | undefined,
  patched: ReportedLeg | undefined,
  guard: ReportedLeg | undefined,
): string[] {
  if (base === undefined || patched === undefined) return [];
  const violations: string[] = [];
  if (order.patchTestPaths.length === 0 && base.tree !== order.baseTree) violations.push("base_tree_differs");
  // The base leg has the patch's tests, so it is the patched leg where the patch is nothing else.
  const isOfTests = sourcePaths.length === 0 && checkConfigPaths.every((path) => testPaths.includes(path));
  if (isOfTests && base.tree !== patched.tree) violations.push("base_tree_differs");
  if (!isOfTests && base.tree === patched.tree) violations.push("trees_equal");
  if (guard?.tree === patched.tree) violations.push("trees_equal");
  return violations;
}

/** The leg's last command speaks for the leg: it ran to the end or failed there. */
function outcomeOf(leg: ReportedLeg, order: LegsOrder, readBytes: ReadBytes): LegOutcome {
  const last = leg.commands.at(-1);
  const limit = leg.commands.find((command) => command.limit !== undefined)?.limit;
  const report = reportOf(leg, order, readBytes);
  return {
    commandsExpected: order.commands.length,
    commandsRun: leg.commands.length,
    ...(last?.exitCode === undefined ? {} : { exitCode: last.exitCode }),
    ...(last?.signal === undefined ? {} : { signal: last.signal }),
    ...(limit === undefined ? {} : { limit }),
    ...(report === undefined ? {} : { report }),
  };
}

function reportOf(leg: ReportedLeg, { testRunner }: LegsOrder, readBytes: ReadBytes): TestReport | undefined {
  if (testRunner === undefined) return undefined;
  const packed = leg.reportSha256 === undefined ? undefined : readBytes(leg.reportSha256);
  if (packed !== undefined) return readReport(testRunner, packed);
  return { complete: false, because: "nothing was reported", tests: new Map() };
}
