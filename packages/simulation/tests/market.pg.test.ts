// The simulated market holds what the real one promises.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MIGRATIONS } from "@openagents/runtime";
import { ordinaryPopulation, simulateMarket } from "@openagents/simulation";
import { testDatabase } from "@openagents/testing";

const never = new AbortController().signal;

test("in an ordinary market money is conserved at each step, nothing stays stuck, and nobody honest is struck", async (t) => {
  const { url: databaseUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const report = await simulateMarket({
    databaseUrl,
    jobs: 150,
    seed: 7,
    ...ordinaryPopulation(7, 20, 10),
    signal: never,
  });
  assert.equal(report.wanted, 150);
  assert.equal(report.falseStrikes, 0);
  assert.equal(report.stuckMsats, 0n);
  for (const lie of report.lies.filter(({ caughtBy }) => caughtBy === "rule")) {
    assert.equal(lie.found, lie.told, lie.lie);
    assert.equal(lie.paid, 0, lie.lie);
  }
});

test("the same seed makes the same market, to the last count and millisecond", async (t) => {
  const reports = [];
  for (let run = 0; run < 2; run += 1) {
    const { url: databaseUrl } = await testDatabase(t, { directories: MIGRATIONS });
    const population = ordinaryPopulation(11, 10, 4);
    reports.push(await simulateMarket({ databaseUrl, jobs: 20, seed: 11, ...population, signal: never }));
  }
  assert.deepEqual(reports[0], reports[1]);
});
