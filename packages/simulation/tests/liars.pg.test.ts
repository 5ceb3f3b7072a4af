// Twenty providers, each lying in a way of its own, among honest ones, over a
// thousand jobs: what a rule can find is found each time, what only a second run
// can find is found as often as one is drawn, and nobody honest is struck.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MIGRATIONS } from "@openagents/runtime";
import { LIES, ordinaryPopulation, simulateMarket } from "@openagents/simulation";
import { testDatabase } from "@openagents/testing";

const SEED = 20;
const JOBS = 1_000;
/** Five standard deviations: one run in a million of a right rate is outside. */
const DEVIATIONS = 5;

test("of twenty liars over a thousand jobs, rules find every lie of theirs, draws as many as the rate says, and nobody honest is struck", async (t) => {
  const { url: databaseUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const { providers, buyers } = ordinaryPopulation(SEED, 45, 20);
  const honest = providers.filter(({ behaviour }) => behaviour.kind === "honest");
  const template = honest[0];
  assert.ok(template);
  const report = await simulateMarket({
    databaseUrl,
    jobs: JOBS,
    seed: SEED,
    providers: [
      ...LIES.map((lie, index) => ({
        ...template,
        name: `liar${index}`,
        behaviour: { kind: "liar", lie } as const,
        priceMsats: BigInt(20_000 + index * 100),
        sellsExecution: true,
      })),
      ...honest,
    ],
    buyers: buyers.map((buyer, index) => ({
      ...buyer,
      kind: "fair",
      verificationPolicy: index % 2 === 0 ? "sampled" : "always",
    })),
    forgivenAfterMs: 300_000,
    signal: new AbortController().signal,
  });

  assert.equal(LIES.length, 20);
  assert.equal(report.falseStrikes, 0);
  assert.equal(report.stuckMsats, 0n);
  const byRule = report.lies.filter(({ caughtBy }) => caughtBy === "rule");
  assert.equal(byRule.length, LIES.filter(({ caughtBy }) => caughtBy === "rule").length, "a liar had no job");
  for (const { lie, told, found, paid } of byRule) assert.deepEqual([found, paid], [told, 0], lie);

  // A lie that is paid for was left to the draw, and was not drawn.
  const { lies, drawn, rateBps } = report.sampling;
  const paid = report.lies.reduce((sum, each) => sum + each.paid, 0);
  assert.equal(paid, lies - drawn);
  const rate = rateBps / 10_000;
  const expected = lies * rate;
  const deviation = Math.sqrt(lies * rate * (1 - rate));
  t.diagnostic(
    `${report.lies.reduce((sum, each) => sum + each.told, 0)} lies; of ${lies} left to the draw ${drawn} were drawn, expected ${expected.toFixed(1)} ± ${(DEVIATIONS * deviation).toFixed(1)} (five standard deviations)`,
  );
  assert.ok(lies > 0, "no lie was left to the draw");
  assert.ok(Math.abs(drawn - expected) <= DEVIATIONS * deviation, `${drawn} of ${lies} were drawn`);
});
