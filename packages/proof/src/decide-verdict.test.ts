import assert from "node:assert/strict";
import { test } from "node:test";
import type { PatchClassification } from "./classify-patch.ts";
import { decideVerdict, type LegOutcome, type Verdict } from "./decide-verdict.ts";

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
};
const classifications = {
  source: { ...empty, sourcePaths: ["src/a.ts"] },
  source_and_new_test: { ...empty, sourcePaths: ["src/a.ts"], testPaths: ["test/a.ts"] },
  old_test: { ...empty, testPaths: ["test/a.ts"], existingTestPaths: ["test/a.ts"] },
  config: { ...empty, checkConfigPaths: ["package.json"] },
  old_test_and_config: { ...empty, existingTestPaths: ["test/a.ts"], checkConfigPaths: ["package.json"] },
} satisfies Record<string, PatchClassification>;

/** The table as the documentation of `decideVerdict` says it, written down a second time. */
function expected(base: Ending, patched: Ending, classification: PatchClassification): Verdict {
  if (!clear.includes(patched) || !clear.includes(base)) return "inconclusive";
  if (patched !== "passed") return "failed";
  if (base === "passed") return "passed_only";
  const asks = classification.existingTestPaths.length + classification.checkConfigPaths.length > 0;
  return asks ? "needs_review" : "proven";
}

test("every pair of endings and every kind of patch has the verdict of the table", () => {
  let proven = 0;
  for (const base of names) {
    for (const patched of names) {
      for (const [kind, classification] of Object.entries(classifications)) {
        const decision = decideVerdict({
          base: endings[base],
          patched: endings[patched],
          classification,
          guard: { kind: "same_tree" },
        });
        assert.equal(
          decision.verdict,
          expected(base, patched, classification),
          `${base}, ${patched}, ${kind}`,
        );
        assert.notEqual(decision.because, "");
        if (decision.verdict === "proven") proven += 1;
      }
    }
  }
  assert.equal(proven, 4, "two ways for the base to fail, two kinds of patch that prove");
});

test("a limit outranks the exit code, so a killed check never counts as failing", () => {
  const decision = decideVerdict({
    base: endings.limited_but_failed,
    patched: endings.passed,
    guard: { kind: "same_tree" },
    classification: classifications.source,
  });
  assert.deepEqual(decision, { verdict: "inconclusive", because: "the base leg hit its wall limit" });
});

test("the reason names the files that ask for a person, but not a whole tree of them", () => {
  const existingTestPaths = Array.from({ length: 7 }, (_, index) => `test/${index}.ts`);
  const { because } = decideVerdict({
    base: endings.failed,
    patched: endings.passed,
    guard: { kind: "same_tree" },
    classification: { ...empty, existingTestPaths },
  });
  assert.match(because, /test\/0\.ts, .*test\/4\.ts, and 2 more$/);
});
