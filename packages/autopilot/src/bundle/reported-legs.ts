// A reported result, read from a bundle, as what `decideLegs` takes. Used for stored results and for those of a rerun.

import {
  decideLegs,
  readReport,
  type PatchClassification,
  type ReportedLeg,
  type TestReport,
  type VerdictDecision,
} from "@openagents/proof";
import type { JsonObject } from "@openagents/receipts";
import type { SandboxRunSpec } from "@openagents/contracts";
import type { Problems } from "./claims.ts";
import { numberOf, objectsOf, textOf } from "./json-view.ts";

export type ReadBytes = (sha256: string) => Buffer | undefined;

/**
 * The verdict that a result gives, by the rules of the operator's verifier, in its
 * words too. Tells which rules of its job the result breaks.
 */
export function decideResult(
  result: JsonObject,
  spec: SandboxRunSpec,
  classification: PatchClassification,
  readBytes: ReadBytes,
  problems: Problems,
): VerdictDecision {
  const legs = objectsOf(result, "legs").map(reportedLeg);
  const { violations, decided } = decideLegs(spec, legs, classification, readBytes);
  for (const violation of violations) problems.add(`the report breaks a rule of its job: ${violation}`);
  return (
    decided ?? {
      verdict: "inconclusive",
      because: "legs are missing",
      proof: "by_exit_code",
      reviewPaths: [],
    }
  );
}

function reportedLeg(leg: JsonObject): ReportedLeg {
  const given = (object: JsonObject, name: string) => textOf(object, name) || undefined;
  return {
    leg: textOf(leg, "leg"),
    tree: textOf(leg, "tree"),
    commands: objectsOf(leg, "commands").map((command) => ({
      command: textOf(command, "command"),
      exitCode: numberOf(command, "exit_code"),
      signal: given(command, "signal"),
      limit: given(command, "limit"),
    })),
    reportSha256: given(leg, "report_sha256"),
  };
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
