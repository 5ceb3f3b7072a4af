import assert from "node:assert/strict";
import { test } from "node:test";
import type { Leg } from "@openagents/contracts";
import { decideAgreement } from "./decide-agreement.ts";
import type { Decision } from "./decide-verification.ts";

const PROVEN: Decision = {
  ...decision("proven", { base: 1, patched: 0, guard: 0 }),
  trees: new Map([["patched", "c".repeat(40)]]),
};

test("runs agree by the exit codes of their legs and their verdict, whatever words they have for it", () => {
  const other = { ...PROVEN, because: "in other words", testsKept: 4 };
  assert.deepEqual(decideAgreement(PROVEN, other), { kind: "agree" });
});

const DISAGREEMENTS: readonly (readonly [string, Decision])[] = [
  ["another exit code of any leg", like(decision("proven", { base: 2, patched: 0, guard: 0 }))],
  ["a leg that was not run", like(decision("proven", { base: 1, patched: 0 }))],
  ["equal exit codes and another verdict", like(decision("failed", { base: 1, patched: 0, guard: 0 }))],
  ["another tree of any leg", { ...PROVEN, trees: new Map([["patched", "d".repeat(40)]]) }],
  ["another answer", { ...PROVEN, answer: "e".repeat(64) }],
  ["a report that breaks rules", { ...PROVEN, violations: ["trees_equal"] }],
];

for (const [what, second] of DISAGREEMENTS) {
  test(`${what} is a disagreement`, () => {
    assert.equal(decideAgreement(PROVEN, second).kind, "disagree");
  });
}

test("a second run that hit a limit contradicts nobody, even with other exit codes", () => {
  const limited = decision("inconclusive", { base: 1, patched: undefined });
  assert.equal(decideAgreement(PROVEN, limited).kind, "no_answer");
});

function like(other: Decision): Decision {
  return { ...other, trees: PROVEN.trees };
}

function decision(
  verdict: Decision["verdict"],
  exits: Readonly<Partial<Record<Leg, number | undefined>>>,
): Decision {
  const exitCodes = new Map<Leg, number | undefined>();
  for (const leg of ["base", "patched", "guard"] as const) if (leg in exits) exitCodes.set(leg, exits[leg]);
  return {
    verdict,
    because: "",
    proof: "by_exit_code",
    violations: [],
    reviewPaths: [],
    exitCodes,
    trees: new Map(),
  };
}
