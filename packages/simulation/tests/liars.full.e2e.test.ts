// Twenty liars over a thousand jobs: what a rule can find is found each time, what
// only a second run can find is found as often as one is drawn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNoLiePays, simulateLiars } from "./liars.ts";

/** One run in sixteen thousand of a right rate is outside. */
const DEVIATIONS = 4;
const LEFT_TO_THE_DRAW_MIN = 60;

test(
  "of twenty liars over a thousand jobs, rules find every lie of theirs, draws as many as the rate says, and nobody honest is struck",
  { timeout: 3_600_000 },
  async (t) => {
    const report = await simulateLiars(t, 1_000, 30);
    assertNoLiePays(report);
    const byRule = report.lies.filter(({ caughtBy }) => caughtBy === "rule");
    assert.equal(byRule.length, 15, "a liar had no job");

    const { lies, drawn, rateBps } = report.sampling;
    const rate = rateBps / 10_000;
    const deviation = Math.sqrt(lies * rate * (1 - rate));
    const [low, high] = wilson(drawn, lies);
    t.diagnostic(
      `rules: ${byRule.reduce((sum, { told }) => sum + told, 0)} lies, all found, none paid. ` +
        `Draws: ${drawn} of ${lies} lies were drawn, ${percent(drawn / lies)} (95 % confidence ${percent(low)} to ${percent(high)}), at a rate of ${percent(rate)}; ` +
        `${report.liesAgreed} more were agreed on by two liars.`,
    );
    assert.ok(lies >= LEFT_TO_THE_DRAW_MIN, `only ${lies} lies were left to the draw`);
    assert.ok(Math.abs(drawn - lies * rate) <= DEVIATIONS * deviation, `${drawn} of ${lies} were drawn`);
  },
);

/** Wilson's score interval at 95 %. */
function wilson(hits: number, of: number): [number, number] {
  const z = 1.96;
  const share = hits / of;
  const middle = share + (z * z) / (2 * of);
  const half = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  const scale = 1 + (z * z) / of;
  return [(middle - half) / scale, (middle + half) / scale];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
