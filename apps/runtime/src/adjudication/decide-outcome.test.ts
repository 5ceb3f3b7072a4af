import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Decision } from "../verification/index.ts";
import { decideOutcome, struckParties } from "./decide-outcome.ts";

const FIXED = decision("proven", 0);
const BROKEN = decision("failed", 1);
const LIMITED: Decision = { ...decision("inconclusive", 0), exitCodes: new Map() };
const UNMADE: Decision = { ...decision("inconclusive", 0), violations: ["base_leg_missing"] };

const disputed = (first: Decision, second: Decision, rounds: readonly Decision[]) =>
  decideOutcome({ kind: "disagreement", first, second }, rounds).outcome;

test("whoever the operator's agreeing runs contradict is struck", () => {
  assert.equal(disputed(FIXED, BROKEN, [BROKEN, BROKEN, BROKEN]), "first_struck");
  assert.equal(disputed(FIXED, BROKEN, [FIXED, FIXED, FIXED]), "second_struck");
  const third = decision("failed", 7);
  assert.equal(disputed(FIXED, BROKEN, [third, third, third]), "both_struck");
  assert.equal(disputed(FIXED, FIXED, [FIXED, FIXED, FIXED]), "undecided");
});

test("runs of the operator that differ say that the check is flaky", () => {
  assert.equal(disputed(FIXED, BROKEN, [FIXED, FIXED, BROKEN]), "flaky");
});

test("nobody is struck by runs that could not be made or came to nothing", () => {
  assert.equal(disputed(FIXED, BROKEN, []), "undecided");
  assert.equal(disputed(FIXED, BROKEN, [UNMADE, UNMADE, UNMADE]), "undecided");
  assert.equal(disputed(FIXED, BROKEN, [LIMITED, LIMITED, LIMITED]), "undecided");
  assert.equal(disputed(FIXED, BROKEN, [FIXED, LIMITED, FIXED]), "undecided");
});

test("a report that broke its job's rules is struck once the job is shown to run, whatever it shows", () => {
  const broken = { kind: "violation", first: UNMADE, second: undefined } as const;
  assert.equal(decideOutcome(broken, [BROKEN, BROKEN, BROKEN]).outcome, "first_struck");
  assert.equal(decideOutcome(broken, [LIMITED, LIMITED, LIMITED]).outcome, "undecided");
  assert.equal(decideOutcome(broken, [FIXED, BROKEN, FIXED]).outcome, "flaky");
});

test("a party that says what the operator's runs say is never struck", () => {
  const any = fc.constantFrom(FIXED, BROKEN, LIMITED, UNMADE, decision("failed", 7));
  fc.assert(
    fc.property(any, any, fc.array(any, { maxLength: 4 }), (first, second, rounds) => {
      const struck = struckParties(disputed(first, second, rounds));
      const [third] = rounds;
      if (first === third) assert.ok(!struck.includes("first"));
      if (second === third) assert.ok(!struck.includes("second"));
      if (new Set(rounds).size > 1) assert.deepEqual(struck, []);
    }),
  );
});

function decision(verdict: Decision["verdict"], patchedExit: number): Decision {
  return {
    verdict,
    because: "",
    proof: "by_exit_code",
    violations: [],
    reviewPaths: [],
    exitCodes: new Map([
      ["base", 1],
      ["patched", patchedExit],
    ]),
    trees: new Map(),
  };
}
