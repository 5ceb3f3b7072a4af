import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyPatch } from "./classify-patch.ts";
import { decideLegs, type ReportedCommand, type ReportedLeg } from "./decide-legs.ts";
import { patchFiles } from "./patch-files.ts";

const PATCH = `diff --git a/src/sum.js b/src/sum.js
index 1111111..2222222 100644
--- a/src/sum.js
+++ b/src/sum.js
@@ -1 +1 @@
-export const sum = (a, b) => a - b;
+export const sum = (a, b) => a + b;
`;
const CLASSIFICATION = classifyPatch(patchFiles(PATCH), undefined, []);
const ORDER = { commands: ["build", "test"], baseTree: "b", patchTestPaths: [], guardPaths: [] };
const OK: ReportedCommand = { command: "build", exitCode: 0 };
const BASE: ReportedLeg = { leg: "base", tree: "b", commands: [OK, { command: "test", exitCode: 1 }] };
const PATCHED: ReportedLeg = { leg: "patched", tree: "p", commands: [OK, { command: "test", exitCode: 0 }] };

const decide = (legs: readonly ReportedLeg[]) => decideLegs(ORDER, legs, CLASSIFICATION, () => undefined);

test("legs as they were ordered break no rule, whatever they show", () => {
  assert.deepEqual(decide([BASE, PATCHED]).violations, []);
  assert.equal(decide([BASE, PATCHED]).decided?.verdict, "proven");
  const failing = { ...PATCHED, commands: [{ command: "build", exitCode: 1 }] };
  assert.deepEqual(decide([BASE, failing]).violations, []);
  assert.equal(decide([BASE, failing]).decided?.verdict, "failed");
});

const BROKEN: readonly (readonly [string, readonly ReportedLeg[]])[] = [
  ["patched_leg_missing", [BASE]],
  ["base_leg_missing", [{ ...BASE, leg: "guard" }, PATCHED]],
  ["patched_commands_differ", [BASE, { ...PATCHED, commands: [OK, { command: "true", exitCode: 0 }] }]],
  ["patched_commands_differ", [BASE, { ...PATCHED, commands: [] }]],
  ["patched_commands_differ", [BASE, { ...PATCHED, commands: [...PATCHED.commands, OK] }]],
  ["patched_commands_missing", [BASE, { ...PATCHED, commands: [OK] }]],
  [
    "base_went_on_after_failure",
    [
      {
        ...BASE,
        commands: [
          { ...OK, exitCode: 1 },
          { command: "test", exitCode: 1 },
        ],
      },
      PATCHED,
    ],
  ],
  ["patched_exit_unclear", [BASE, { ...PATCHED, commands: [OK, { command: "test" }] }]],
  [
    "patched_exit_unclear",
    [BASE, { ...PATCHED, commands: [OK, { command: "test", exitCode: 0, signal: "SIGKILL" }] }],
  ],
  ["patched_report_unexpected", [BASE, { ...PATCHED, reportSha256: "r" }]],
  ["guard_leg_unexpected", [BASE, PATCHED, { ...PATCHED, leg: "guard", tree: "g" }]],
  ["legs_unexpected", [BASE, PATCHED, { ...PATCHED, leg: "guard", tree: "g" }, PATCHED]],
  ["base_tree_differs", [{ ...BASE, tree: "x" }, PATCHED]],
  ["trees_equal", [BASE, { ...PATCHED, tree: "b" }]],
];

for (const [violation, legs] of BROKEN) {
  test(`a report is told to break ${violation}`, () => {
    assert.ok(decide(legs).violations.includes(violation), String(decide(legs).violations));
  });
}
