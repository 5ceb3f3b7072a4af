import assert from "node:assert/strict";
import { test } from "node:test";
import { earningsOf } from "./earnings.ts";
import { depthOf } from "./market-depth.ts";

test("earnings are added up in the order of their booking, from nothing on", () => {
  const lines = [
    { bookedAt: 120_000, earnedMsats: 500n },
    { bookedAt: 90_000, earnedMsats: 1_000n },
  ];
  const { along, series } = earningsOf(lines);
  assert.deepEqual(along, [30, 90, 120]);
  assert.deepEqual(series[0]?.values, [0, 1, 1.5]);
  assert.deepEqual(earningsOf([]), { along: [], series: [] });
});

test("the depth at a price counts what is to be had at it or less, and each price once", () => {
  const { prices, counts } = depthOf([3_000n, 1_000n, 1_000n, 2_500n]);
  assert.deepEqual(prices, [1, 2.5, 3]);
  assert.deepEqual(counts, [2, 3, 4]);
});
