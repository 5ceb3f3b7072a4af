import assert from "node:assert/strict";
import { test } from "node:test";
import type { Leg } from "@openagents/contracts";
import { decideAgreement } from "./decide-agreement.ts";
import type { Decision } from "./decide-verification.ts";

const PROVEN = decision("proven", { base: 1, patched: 0, guard: 0 });

test("runs agree by the exit codes of their legs and their verdict, whatever words they have for it", () => {
  const other = { ...PROVEN, because: "in other words", testsKept: 4 };
  assert.deepEqual(decideAgreement(PROVEN, other), { kind: "agree" });
});

for (const [what, second] of [
  ["another exit code of any leg", decision("proven", { base: 2, patched: 0, guard: 0 })],
  ["a leg that was not run", decision("proven", { base: 1, patched: 0 })],
  ["equal exit codes and another verdict", decision("failed", { base: 1, patched: 0, guard: 0 })],
  ["a report that breaks rules", { ...PROVEN, violations: ["trees_equal"] }],
] as const) {
  test(`${what} is a disagreement`, () => {
    assert.equal(decideAgreement(PROVEN, second).kind, "disagree");
  });
}

test("a second run that hit a limit contradicts nobody, even with other exit codes", () => {
  const limited = decision("inconclusive", { base: 1, patched: undefined });
  assert.equal(decideAgreement(PROVEN, limited).kind, "no_answer");
});

function decision(
  verdict: Decision["verdict"],
  exits: Readonly<Partial<Record<Leg, number | undefined>>>,
): Decision {
  const exitCodes = new Map<Leg, number | undefined>();
  for (const leg of ["base", "patched", "guard"] as const) if (leg in exits) exitCodes.set(leg, exits[leg]);
  return { verdict, because: "", proof: "by_exit_code", violations: [], reviewPaths: [], exitCodes };
}
