// A reported result as what `decideVerdict` takes: how each leg ended, with what
// its test runner reported. Used for stored results and for those of a rerun.

import {
  decideVerdict,
  readReport,
  type GuardOutcome,
  type LegOutcome,
  type PatchClassification,
  type TestReport,
  type VerdictDecision,
} from "@openagents/proof";
import type { JsonObject } from "@openagents/receipts";
import type { SandboxRunSpec } from "@openagents/contracts";
import type { Problems } from "./claims.ts";
import { numberOf, objectsOf, textOf } from "./json-view.ts";

export type ReadBytes = (sha256: string) => Buffer | undefined;

/**
 * The verdict that a result gives, in words too as the operator's verifier gives
 * it: that one sees no trees, so a guard leg that is not there is one that could
 * not be run. Tells what makes it no result of its job.
 */
export function decideResult(
  result: JsonObject,
  spec: SandboxRunSpec,
  classification: PatchClassification,
  readBytes: ReadBytes,
  problems: Problems,
): VerdictDecision {
  const legs = objectsOf(result, "legs");
  const outcomeOf = (name: string) => legOutcome(legs, name, spec, readBytes, problems);
  const guard: GuardOutcome = legs.some((leg) => textOf(leg, "leg") === "guard")
    ? { kind: "ran", outcome: outcomeOf("guard") }
    : classification.guardPaths.length === 0
      ? { kind: "nothing_to_guard" }
      : { kind: "not_possible", because: "the guard leg was not run" };
  const expected = guard.kind === "ran" ? 3 : 2;
  if (legs.length !== expected) problems.add(`there are ${legs.length} legs, not ${expected}`);
  return decideVerdict({
    base: outcomeOf("base"),
    patched: outcomeOf("patched"),
    guard,
    runner: spec.testRunner,
    classification,
  });
}

/** How each leg of a result ended, in words that compare: its last command's exit code, or its signal. */
export function endingsOf(result: JsonObject): ReadonlyMap<string, string> {
  return new Map(
    objectsOf(result, "legs").map((leg) => {
      const last = objectsOf(leg, "commands").at(-1) ?? {};
      const exitCode = numberOf(last, "exit_code");
      return [textOf(leg, "leg"), exitCode === undefined ? textOf(last, "signal") : `exit ${exitCode}`];
    }),
  );
}

/** The tree that each leg of a result says it ran in, in words that compare. */
export function treesOf(result: JsonObject): ReadonlyMap<string, string> {
  return new Map(
    objectsOf(result, "legs").map((leg) => [textOf(leg, "leg"), `tree ${textOf(leg, "tree")}`] as const),
  );
}

/** The exit code of a leg's last command; undefined when it has none, or the leg was not run. */
export function exitCodeOf(result: JsonObject, name: string): number | undefined {
  const leg = objectsOf(result, "legs").find((one) => textOf(one, "leg") === name) ?? {};
  return numberOf(objectsOf(leg, "commands").at(-1) ?? {}, "exit_code");
}

/** The legs in which two readings differ, in words; none when they agree. */
export function differences(
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
): readonly string[] {
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((leg) => one.get(leg) !== other.get(leg))
    .map((leg) => `${leg}: ${one.get(leg) ?? "not run"} and ${other.get(leg) ?? "not run"}`);
}

/** What a leg's runner reported; undefined when nothing was, or its bytes are not there. */
export function reportOf(
  result: JsonObject,
  name: string,
  spec: Pick<SandboxRunSpec, "testRunner">,
  readBytes: ReadBytes,
): TestReport | undefined {
  const leg = objectsOf(result, "legs").find((one) => textOf(one, "leg") === name) ?? {};
  const bytes = readBytes(textOf(leg, "report_sha256"));
  return spec.testRunner === undefined || bytes === undefined
    ? undefined
    : readReport(spec.testRunner, bytes);
}

function legOutcome(
  legs: readonly JsonObject[],
  name: string,
  spec: SandboxRunSpec,
  readBytes: ReadBytes,
  problems: Problems,
): LegOutcome {
  const [leg = {}, second] = legs.filter((candidate) => textOf(candidate, "leg") === name);
  if (second !== undefined) problems.add(`there are two ${name} legs`);
  const commands = objectsOf(leg, "commands");
  if (commands.length === 0) problems.add(`the ${name} leg ran nothing`);
  for (const [index, command] of commands.entries()) {
    const what = `command ${index + 1} of the ${name} leg`;
    problems.same(what, textOf(command, "command"), spec.commands[index]);
    const isLast = index === commands.length - 1;
    if (!isLast && numberOf(command, "exit_code") !== 0)
      problems.add(`the ${name} leg went on after a failure`);
  }
  const last = commands.at(-1) ?? {};
  const exitCode = numberOf(last, "exit_code");
  const signal = textOf(last, "signal");
  const limit = commands.map((command) => textOf(command, "limit")).find((hit) => hit !== "");
  const report = reportOf({ legs: [leg] }, name, spec, readBytes);
  return {
    commandsExpected: spec.commands.length,
    commandsRun: commands.length,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === "" ? {} : { signal }),
    ...(limit === undefined ? {} : { limit }),
    ...(report === undefined ? {} : { report }),
  };
}
