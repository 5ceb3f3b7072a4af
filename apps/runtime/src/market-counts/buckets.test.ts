import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { latencyBuckets, latencyMeasure, quantileMs } from "./buckets.ts";

test("a quantile is at least the true one and at most a fifth more", () => {
  const latencies = fc.array(fc.integer({ min: 10, max: 3_600_000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(latencies, fc.constantFrom(50, 95), (all, percent) => {
      const counts = new Map<string, number>([["released", 7]]);
      for (const ms of all) counts.set(latencyMeasure(ms), (counts.get(latencyMeasure(ms)) ?? 0) + 1);
      const sorted = all.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? NaN;
      const told = quantileMs(latencyBuckets(counts), percent) ?? NaN;
      assert.ok(told >= exact && told <= exact * 1.2 + 1, `${told} of ${exact}`);
    }),
  );
});

test("without any latency there is no quantile", () => {
  assert.equal(quantileMs(latencyBuckets(new Map([["released", 3]])), 50), undefined);
});
