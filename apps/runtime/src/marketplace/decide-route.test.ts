import assert from "node:assert/strict";
import { test } from "node:test";
import { routerPolicyValues, type RouteCandidate, type RouterPolicy } from "@openagents/contracts";
import fc from "fast-check";
import { decideRoute } from "./decide-route.ts";

const RUN = `run_${"0".repeat(32)}`;

function decide(candidates: readonly RouteCandidate[], policy: RouterPolicy) {
  return decideRoute({
    policy,
    runId: RUN,
    capability: "oa.sandbox_run.v1",
    objectiveHash: undefined,
    candidates,
  });
}

function offer(
  providerId: string,
  totalPriceMsats: bigint,
  latencyMs: bigint | undefined,
  reliabilityBps: number,
): RouteCandidate {
  return { marketplaceId: "openagents", providerId, totalPriceMsats, latencyMs, reliabilityBps };
}

test("each policy compares as published, and says of each loser what was worse", () => {
  const steady = offer("steady", 1_200n, 400n, 9_900);
  const cheap = offer("cheap", 1_000n, 800n, 6_000);
  const twin = offer("twin", 1_000n, 800n, 6_000);
  const slow = offer("slow", 1_000n, undefined, 9_000);
  const all = [twin, slow, steady, cheap];
  const told = (policy: RouterPolicy) => {
    const { selected, losers } = decide(all, policy);
    return [selected.providerId, ...losers.map(({ providerId, because }) => `${providerId}: ${because}`)];
  };
  assert.deepEqual(told("lowest_total_cost_v1"), [
    "cheap",
    "twin: tie_broken_by_id",
    "slow: slower",
    "steady: dearer",
  ]);
  assert.deepEqual(told("reliability_first_v1"), [
    "steady",
    "slow: less_reliable",
    "cheap: less_reliable",
    "twin: less_reliable",
  ]);
  // 1000 + 250 + 200, 1200 + 400 + 20, 1000 + 800 + 800.
  assert.deepEqual(told("balanced_v1"), [
    "slow",
    "steady: worse_balance",
    "cheap: worse_balance",
    "twin: worse_balance",
  ]);
});

const offers = fc.array(
  fc.record({
    marketplaceId: fc.constantFrom("a", "b"),
    providerId: fc.constantFrom("p", "q", "r"),
    totalPriceMsats: fc.bigInt({ min: 1n, max: 50n }),
    latencyMs: fc.option(fc.bigInt({ min: 1n, max: 50n }), { nil: undefined }),
    reliabilityBps: fc.integer({ min: 0, max: 10_000 }),
  }),
  { minLength: 1, maxLength: 8 },
);

test("the order of arrival changes neither the choice nor the hash, and every other offer is a loser with a reason", () => {
  const shuffled = offers.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  fc.assert(
    fc.property(shuffled, fc.constantFrom(...routerPolicyValues), ([all, other], policy) => {
      const first = decide(all, policy);
      assert.deepEqual(decide(other, policy), first);
      assert.equal(first.losers.length, all.length - 1);
    }),
  );
});

test("any other offer, policy or run gives another hash", () => {
  fc.assert(
    fc.property(offers, (all) => {
      const [one, ...rest] = all;
      if (one === undefined) return;
      const hash = decide(all, "balanced_v1").decisionSha256;
      const dearer = { ...one, totalPriceMsats: one.totalPriceMsats + 1n };
      assert.notEqual(decide([dearer, ...rest], "balanced_v1").decisionSha256, hash);
      assert.notEqual(decide(all, "reliability_first_v1").decisionSha256, hash);
    }),
  );
});
