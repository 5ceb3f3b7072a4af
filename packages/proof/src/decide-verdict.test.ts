import assert from "node:assert/strict";
import { test } from "node:test";
import type { PatchClassification } from "./classify-patch.ts";
import { decideVerdict, type GuardOutcome, type LegOutcome, type Verdict } from "./decide-verdict.ts";

const whole = { commandsExpected: 2, commandsRun: 2 };
const short = { commandsExpected: 2, commandsRun: 1 };

/** Every kind of ending that the rules tell apart. */
const endings = {
  passed: { exitCode: 0, ...whole },
  failed: { exitCode: 1, ...whole },
  failed_early: { exitCode: 2, ...short },
  passed_short: { exitCode: 0, ...short },
  passed_nothing: { exitCode: 0, commandsExpected: 0, commandsRun: 0 },
  not_executable: { exitCode: 126, ...whole },
  not_found: { exitCode: 127, ...whole },
  signalled: { signal: "SIGSEGV", ...whole },
  limited: { signal: "SIGKILL", limit: "memory", ...whole },
  limited_but_passed: { exitCode: 0, limit: "pids", ...whole },
  limited_but_failed: { exitCode: 1, limit: "wall", ...whole },
  unknown: { ...whole },
} satisfies Record<string, LegOutcome>;

type Ending = keyof typeof endings;
const names = Object.keys(endings).filter((name): name is Ending => name in endings);
const clear: readonly Ending[] = ["passed", "failed", "failed_early"];

const empty: PatchClassification = {
  testPaths: [],
  existingTestPaths: [],
  removedTestPaths: [],
  checkConfigPaths: [],
  guardPaths: [],
  sourcePaths: [],
  endingPaths: [],
};
const changesTest = { testPaths: ["test/a.ts"], existingTestPaths: ["test/a.ts"], guardPaths: ["test/a.ts"] };
const classifications = {
  source: { ...empty, sourcePaths: ["src/a.ts"] },
  source_and_new_test: { ...empty, sourcePaths: ["src/a.ts"], testPaths: ["test/a.ts"] },
  ending_source: { ...empty, sourcePaths: ["src/a.ts"], endingPaths: ["src/a.ts"] },
  changed_test: { ...empty, ...changesTest },
  removed_test: { ...empty, ...changesTest, removedTestPaths: ["test/a.ts"] },
  new_config: { ...empty, checkConfigPaths: [".npmrc"] },
  changed_config: { ...empty, checkConfigPaths: ["package.json"], guardPaths: ["package.json"] },
  changed_test_and_config: {
    ...empty,
    ...changesTest,
    checkConfigPaths: ["package.json"],
    guardPaths: ["package.json", "test/a.ts"],
  },
} satisfies Record<string, PatchClassification>;

const guards: Readonly<Record<string, GuardOutcome>> = {
  ...Object.fromEntries(
    names.map((name): [string, GuardOutcome] => [name, { kind: "ran", outcome: endings[name] }]),
  ),
  same_tree: { kind: "same_tree" },
  nothing_to_guard: { kind: "nothing_to_guard" },
  not_possible: { kind: "not_possible", because: "the old tests do not apply" },
};

/** The table as the documentation of `decideVerdict` says it, written down a second time. */
function expected(base: Ending, patched: Ending, guard: string, of: PatchClassification): Verdict {
  const isUnclear = (name: string) => names.some((one) => one === name && !clear.includes(one));
  if (isUnclear(patched) || isUnclear(base) || isUnclear(guard)) return "inconclusive";
  if (patched !== "passed") return "failed";
  if (base === "passed") return "passed_only";
  if (guard === "failed" || guard === "failed_early") return "failed";
  if (guard === "not_possible") return "needs_review";
  if (guard === "nothing_to_guard" && of.guardPaths.length > 0) return "needs_review";
  return of.checkConfigPaths.length + of.removedTestPaths.length + of.endingPaths.length > 0
    ? "needs_review"
    : "proven";
}

test("every three endings and every kind of patch have the verdict of the table", () => {
  let proven = 0;
  for (const base of names) {
    for (const patched of names) {
      for (const [kind, guard] of Object.entries(guards)) {
        for (const [patch, classification] of Object.entries(classifications)) {
          const decision = decideVerdict({
            base: endings[base],
            patched: endings[patched],
            guard,
            classification,
          });
          const which = `${base}, ${patched}, ${kind}, ${patch}`;
          assert.equal(decision.verdict, expected(base, patched, kind, classification), which);
          assert.equal(decision.proof, "by_exit_code");
          assert.notEqual(decision.because, "");
          assert.equal(
            decision.reviewPaths.length > 0,
            decision.verdict === "needs_review" &&
              patch !== "source" &&
              patch !== "source_and_new_test" &&
              (patch !== "ending_source" || kind !== "not_possible"),
            which,
          );
          if (decision.verdict === "proven") proven += 1;
        }
      }
    }
  }
  // Two ways for the base to fail; three patches; the guard passed or is the same
  // tree, or for the two that touch nothing old there is nothing to guard.
  assert.equal(proven, 2 * (3 * 2 + 2));
});

test("a limit outranks the exit code, so a killed check never counts as failing", () => {
  const decision = decideVerdict({
    base: endings.limited_but_failed,
    patched: endings.passed,
    guard: { kind: "same_tree" },
    classification: classifications.source,
  });
  assert.deepEqual([decision.verdict, decision.because], ["inconclusive", "the base leg hit its wall limit"]);
});

test("what asks for a person is named, sorted, each once, but the reason does not list a whole tree", () => {
  const checkConfigPaths = Array.from({ length: 7 }, (_, index) => `conf/${7 - index}/package.json`);
  const decision = decideVerdict({
    base: endings.failed,
    patched: endings.passed,
    guard: { kind: "same_tree" },
    classification: { ...empty, checkConfigPaths: [...checkConfigPaths, ...checkConfigPaths.slice(0, 1)] },
  });
  assert.match(decision.because, /conf\/7\/.*conf\/3\/package\.json, and 3 more$/);
  assert.deepEqual(decision.reviewPaths, checkConfigPaths.toSorted());
});
