// Twenty providers, each lying in a way of its own, among honest ones.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { MIGRATIONS } from "@openagents/runtime";
import { LIES, ordinaryPopulation, simulateMarket, type MarketReport } from "@openagents/simulation";
import { testDatabase } from "@openagents/testing";

const SEED = 20;
/** Somebody else has to confirm ten jobs of a provider before anything of it is left to a draw. */
const TRUE_FIRST = 30;
const FORGIVEN_AFTER_MS = 120_000;

/**
 * Who lies so that a rule finds it lies from the start. The others tell the truth
 * until they are known, so that their lies are left to the draw, are cheap, so that
 * they have work, and are forgiven soon, so that they go on.
 */
export async function simulateLiars(t: TestContext, jobs: number, honest: number): Promise<MarketReport> {
  const { url: databaseUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const { providers, buyers } = ordinaryPopulation(SEED, 90, 20);
  const others = providers.filter(({ behaviour }) => behaviour.kind === "honest").slice(0, honest);
  assert.equal(others.length, honest);
  assert.equal(LIES.length, 20);
  return simulateMarket({
    databaseUrl,
    jobs,
    seed: SEED,
    providers: [
      ...LIES.map((lie, index) => {
        const patient = lie.caughtBy === "second_run";
        return {
          name: `liar${index}`,
          behaviour: { kind: "liar", lie, trueFirst: patient ? TRUE_FIRST : 0 } as const,
          priceMsats: BigInt((patient ? 10_000 : 20_000) + index * 100),
          // So that both have work: half of the buyers pay for execution.
          sellsExecution: !patient,
          jobMs: 4_000,
        };
      }),
      ...others,
    ],
    buyers: buyers.map((buyer, index) => ({
      ...buyer,
      kind: "fair",
      verificationPolicy: index % 2 === 0 ? "sampled" : "always",
      payOn: index % 4 < 2 ? "execution" : "outcome",
    })),
    forgivenAfterMs: FORGIVEN_AFTER_MS,
    signal: new AbortController().signal,
  });
}

/** What holds however many lies there were. */
export function assertNoLiePays(report: MarketReport): void {
  assert.equal(report.falseStrikes, 0);
  assert.equal(report.stuckMsats, 0n);
  for (const { lie, caughtBy, told, found, paid } of report.lies)
    if (caughtBy === "rule") assert.deepEqual([found, paid], [told, 0], lie);
  // A lie that is paid for was left to the draw and not drawn, or agreed on by two liars.
  const paid = report.lies.reduce((sum, each) => sum + each.paid, 0);
  const { lies, drawn } = report.sampling;
  assert.equal(paid, lies - drawn + report.liesAgreed);
}
