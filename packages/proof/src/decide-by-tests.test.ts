import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PatchClassification } from "./classify-patch.ts";
import { decideVerdict, type GuardOutcome, type LegOutcome, type Verdict } from "./decide-verdict.ts";
import type { TestOutcome, TestReport, TestRunner } from "./runners/index.ts";

const source: PatchClassification = {
  testPaths: [],
  existingTestPaths: [],
  removedTestPaths: [],
  checkConfigPaths: [],
  guardPaths: [],
  sourcePaths: ["src/a.ts"],
  endingPaths: [],
};

type Tests = Readonly<Record<string, TestOutcome>>;

function report(tests: Tests, more: { complete?: boolean; errors?: readonly string[] } = {}): TestReport {
  const { complete = true, errors = [] } = more;
  return {
    complete,
    ...(complete ? {} : { because: "it was cut short" }),
    tests: new Map(Object.entries(tests)),
    errors,
  };
}

function leg(exitCode: number, withReport?: TestReport): LegOutcome {
  const whole = { exitCode, commandsExpected: 1, commandsRun: 1 };
  return withReport === undefined ? whole : { ...whole, report: withReport };
}

function decide(
  base: LegOutcome,
  patched: LegOutcome,
  more: { guard?: GuardOutcome; classification?: PatchClassification; runner?: TestRunner } = {},
) {
  const { guard = { kind: "nothing_to_guard" }, classification = source, runner = "node_test" } = more;
  return decideVerdict({ base, patched, guard, classification, runner });
}

const fixed = report({ bug: "passed", old: "passed", off: "skipped" });
const broken = report({ bug: "failed", old: "passed", off: "skipped" });

test("a patch that turns a failing test and keeps the others is proven by tests, with the counts", () => {
  const { verdict, proof, testsFixed, testsKept } = decide(leg(1, broken), leg(0, fixed));
  assert.deepEqual(
    { verdict, proof, testsFixed, testsKept },
    { verdict: "proven", proof: "by_tests", testsFixed: 1, testsKept: 1 },
  );
});

test("what the patched report lacks, fails or skips is failed although the check exits 0", () => {
  const table: readonly (readonly [string, TestReport | undefined, RegExp])[] = [
    ["no report", undefined, /nothing was reported/],
    [
      "a report without an end",
      report({ bug: "passed", old: "passed", off: "skipped" }, { complete: false }),
      /cut short/,
    ],
    ["an empty report", report({}), /no test is reported as passing/],
    ["only skipped tests", report({ bug: "skipped", old: "skipped", off: "skipped" }), /no test is reported/],
    ["the failing test still fails", broken, /"bug" fails/],
    [
      "the failing test is skipped",
      report({ bug: "skipped", old: "passed", off: "skipped" }),
      /"bug" is skipped/,
    ],
    ["the failing test is gone", report({ old: "passed", off: "skipped" }), /"bug" is gone/],
    ["a passing test is gone", report({ bug: "passed", off: "skipped" }), /"old" is gone/],
    [
      "a passing test is skipped",
      report({ bug: "passed", old: "skipped", off: "skipped" }),
      /"old" is skipped/,
    ],
    ["a skipped test is gone", report({ bug: "passed", old: "passed" }), /"off" is gone/],
    [
      "a new test fails",
      report({ bug: "passed", old: "passed", off: "skipped", new: "failed" }),
      /"new" fails/,
    ],
    [
      "a file cannot be imported",
      report({ bug: "passed", old: "passed", off: "skipped" }, { errors: ["x.ts"] }),
      /"x\.ts" fails outside/,
    ],
  ];
  for (const [how, patched, because] of table) {
    const decision = decide(leg(1, broken), leg(0, patched));
    assert.equal(decision.verdict, "failed", how);
    assert.match(decision.because, because, how);
  }
});

test("a base on which no test fails cannot prove anything, whatever its exit code", () => {
  const kept = report({ old: "passed" });
  assert.equal(decide(leg(0, broken), leg(0, fixed)).verdict, "passed_only");
  assert.equal(decide(leg(1, kept), leg(0, kept)).verdict, "passed_only");
  assert.equal(decide(leg(1, kept), leg(0, report({ old: "passed", new: "passed" }))).verdict, "passed_only");
  assert.equal(
    decide(leg(1, report({ a: "skipped" })), leg(0, report({ a: "passed" }))).verdict,
    "passed_only",
  );
});

test("tests that the base could not come to show count once they pass", () => {
  const bases: Readonly<Record<string, TestReport>> = {
    "a file that does not import": report({ old: "passed" }, { errors: ["new.test.ts"] }),
    "a run that was cut short": report({ old: "passed" }, { complete: false }),
    "nothing that compiles": report({}, { complete: false }),
  };
  const patched = report({ old: "passed", "new.test.ts > works": "passed" });
  for (const [how, base] of Object.entries(bases)) {
    assert.equal(decide(leg(1, base), leg(0, patched)).verdict, "proven", how);
    assert.equal(
      decide(leg(1, base), leg(0, report({ "new.test.ts > works": "passed" }))).verdict,
      base.tests.has("old") ? "failed" : "proven",
      how,
    );
  }
  const same = report({ old: "passed" }, { errors: ["new.test.ts"] });
  assert.equal(decide(leg(1, same), leg(0, report({ old: "passed" }))).verdict, "passed_only");
});

test("a Go package without any test on the base is one that did not compile there", () => {
  const base = report({ "a > TestOld": "passed" });
  const patched = report({ "a > TestOld": "passed", "b > TestNew": "passed" });
  assert.equal(decide(leg(1, base), leg(0, patched), { runner: "go" }).verdict, "proven");
  assert.equal(decide(leg(1, base), leg(0, patched), { runner: "vitest" }).verdict, "passed_only");
  const grown = report({ "a > TestOld": "passed", "a > TestNew": "passed" });
  assert.equal(decide(leg(1, base), leg(0, grown), { runner: "go" }).verdict, "passed_only");
});

const changesTest: PatchClassification = {
  ...source,
  testPaths: ["test/a.ts"],
  existingTestPaths: ["test/a.ts"],
  guardPaths: ["test/a.ts"],
};

test("the tests that were there before must pass with the patch, by name", () => {
  const guarded = (outcome: LegOutcome, patched = fixed) =>
    decide(leg(1, broken), leg(0, patched), { guard: { kind: "ran", outcome }, classification: changesTest });
  assert.equal(guarded(leg(0, report({ old: "passed", off: "skipped" }))).verdict, "proven");
  const failing: readonly (readonly [LegOutcome, RegExp])[] = [
    [leg(1, report({ old: "failed" })), /exits 1/],
    [leg(0), /nothing was reported/],
    [leg(0, report({ old: "passed" }, { complete: false })), /cut short/],
    [leg(0, report({})), /no test is reported/],
    [leg(0, report({ old: "passed", removed: "passed" })), /"removed" is gone/],
    [leg(0, report({ old: "passed", off: "passed" })), /"off" is skipped/],
  ];
  for (const [outcome, because] of failing) {
    const decision = guarded(outcome);
    assert.equal(decision.verdict, "failed");
    assert.match(decision.because, /^the tests that were there before, put back over the patch, fail: /);
    assert.match(decision.because, because);
  }
});

test("by tests, removed tests are judged by their names; configuration still asks for a person", () => {
  const removed = { ...changesTest, removedTestPaths: ["test/a.ts"] };
  const guard: GuardOutcome = { kind: "ran", outcome: leg(0, report({ old: "passed" })) };
  assert.equal(decide(leg(1, broken), leg(0, fixed), { guard, classification: removed }).verdict, "proven");
  const config = { ...changesTest, checkConfigPaths: [".npmrc"] };
  const decision = decide(leg(1, broken), leg(0, fixed), { guard, classification: config });
  assert.deepEqual([decision.verdict, decision.reviewPaths], ["needs_review", [".npmrc"]]);
});

test("no combination of legs is proven in which patched lacks or fails a test of the base or the guard", () => {
  const outcome = fc.constantFrom<TestOutcome>("passed", "passed", "passed", "failed", "skipped");
  const reports = fc.record({
    complete: fc.constantFrom(true, true, true, false),
    tests: fc.dictionary(fc.constantFrom("a > x", "a > y", "b > x", "b > y", "c > z"), outcome, {
      maxKeys: 5,
    }),
    errors: fc.constantFrom<readonly string[]>([], [], ["a"]),
  });
  const legs = fc
    .tuple(fc.constantFrom(0, 0, 1, 127), fc.option(reports, { nil: undefined }))
    .map(([exitCode, one]) => leg(exitCode, one && report(one.tests, one)));
  const guards = fc.oneof(
    legs.map((one): GuardOutcome => ({ kind: "ran", outcome: one })),
    fc.constantFrom<GuardOutcome>(
      { kind: "same_tree" },
      { kind: "nothing_to_guard" },
      { kind: "not_possible", because: "no" },
    ),
  );
  const classifications = fc.constantFrom(source, changesTest, { ...source, checkConfigPaths: ["x"] });
  const runner = fc.constantFrom<TestRunner>("node_test", "go");
  const seen = new Set<Verdict>();

  fc.assert(
    fc.property(legs, legs, guards, classifications, runner, (base, patched, guard, classification, of) => {
      const decision = decideVerdict({ base, patched, guard, classification, runner: of });
      seen.add(decision.verdict);
      assert.equal(decision.proof, "by_tests");
      if (decision.verdict !== "proven") return;
      const after = patched.report;
      assert.ok(after !== undefined && after.complete && after.errors?.length === 0);
      assert.ok(patched.exitCode === 0 && base.exitCode === 1);
      assert.ok(classification.checkConfigPaths.length === 0 && guard.kind !== "not_possible");
      const guarded = guard.kind === "ran" ? [guard.outcome.report] : [];
      for (const before of [base.report, ...guarded]) {
        for (const [name, was] of before?.tests ?? []) {
          const is = after.tests.get(name);
          assert.ok(
            is === "passed" || (is === "skipped" && was === "skipped"),
            `${name}: ${was}, then ${is}`,
          );
        }
      }
      const turned = [...after.tests].filter(
        ([name, is]) => is === "passed" && base.report?.tests.get(name) !== "passed",
      );
      assert.ok(turned.length > 0);
      assert.ok(![...after.tests.values()].includes("failed"));
    }),
    { numRuns: 20_000 },
  );
  assert.deepEqual([...seen].sort(), ["failed", "inconclusive", "needs_review", "passed_only", "proven"]);
});
