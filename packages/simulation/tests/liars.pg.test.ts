// What rules can find of twenty liars is found each time. The market is too small to
// say anything of the rate of the draws.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNoLiePays, simulateLiars } from "./liars.ts";

test("of twenty liars, rules find every lie of theirs, no lie pays that was looked at, and nobody honest is struck", async (t) => {
  const report = await simulateLiars(t, 120, 8);
  assertNoLiePays(report);
  const byRule = report.lies.filter(({ caughtBy }) => caughtBy === "rule");
  t.diagnostic(
    `${byRule.reduce((sum, { told }) => sum + told, 0)} lies in ${byRule.length} ways were found by rule`,
  );
  assert.ok(byRule.length >= 8, `${byRule.length} of the liars had a job`);
});
