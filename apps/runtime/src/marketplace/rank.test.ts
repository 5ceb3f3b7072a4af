import assert from "node:assert/strict";
import { test } from "node:test";
import { buyingPolicyValues } from "@openagents/contracts";
import fc from "fast-check";
import { NO_RECORD, type ProviderRecord } from "../workers/index.ts";
import { askedPrice, priceOf, secondPrice, sumOf } from "./price.ts";
import { effectivePrice, ranking, reliabilityBps, tierOf, type Standing } from "./rank.ts";

const JOB = "oa.sandbox_run.v1";

const records: fc.Arbitrary<ProviderRecord> = fc
  .record({
    jobsDone: fc.nat(200),
    faulty: fc.nat(200),
    released: fc.nat(200),
    priceViolations: fc.nat(3),
    latencyMs: fc.option(fc.nat(600_000), { nil: undefined }),
  })
  .map(({ jobsDone, faulty, released, ...rest }) => ({
    ...rest,
    jobsDone,
    jobsFaulty: Math.min(faulty, jobsDone),
    jobsReleased: Math.min(released, jobsDone),
  }));

const standings: fc.Arbitrary<Standing[]> = fc.uniqueArray(
  fc.record({
    workerId: fc.integer({ min: 0, max: 999 }).map((id) => `wrk_${id}`),
    strikes: fc.nat(2),
    totalMsats: fc.bigInt({ min: 1n, max: 10n ** 9n }),
    record: records,
  }),
  { selector: ({ workerId }) => workerId, minLength: 1, maxLength: 8 },
);

test("each policy orders every market in one way, however its providers arrive", () => {
  for (const policy of buyingPolicyValues) {
    fc.assert(
      fc.property(
        standings.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
        ),
        ([all, shuffled]) => {
          assert.deepEqual(shuffled.toSorted(ranking(policy, shuffled)), all.toSorted(ranking(policy, all)));
        },
      ),
    );
  }
});

test("the cheapest is cheapest by its effective price, and the fastest faster than all that are as reliable", () => {
  fc.assert(
    fc.property(standings, (all) => {
      const [cheapest] = all.toSorted(ranking("cheapest", all));
      assert.ok(cheapest !== undefined);
      assert.ok(all.every((one) => effectivePrice(one) >= effectivePrice(cheapest)));
      const clean = all.map((one) => ({
        ...one,
        strikes: 0,
        record: { ...NO_RECORD, latencyMs: one.record.latencyMs ?? 1 },
      }));
      const [fastest] = clean.toSorted(ranking("fastest", clean));
      assert.ok(fastest !== undefined);
      assert.ok(clean.every(({ record }) => record.latencyMs >= (fastest.record.latencyMs ?? 0)));
    }),
  );
});

test("being dearer, slower, struck, or at fault more often never makes anyone better, by any policy", () => {
  fc.assert(
    fc.property(standings, fc.constantFrom(...buyingPolicyValues), fc.nat(3), (all, policy, kind) => {
      // One whose time is not known would change what the others are assumed to take.
      const known = all.map((one) => ({
        ...one,
        record: { ...one.record, latencyMs: one.record.latencyMs ?? 9 },
      }));
      const sorted = known.toSorted(ranking(policy, known));
      const [best, ...others] = sorted;
      const [next] = others;
      if (best === undefined || next === undefined) return;
      const { record } = next;
      const worse: Standing[] = [
        { ...next, totalMsats: next.totalMsats * 2n },
        { ...next, record: { ...record, latencyMs: record.latencyMs * 2 } },
        { ...next, strikes: next.strikes + 1 },
        { ...next, record: { ...record, jobsDone: record.jobsDone + 1, jobsFaulty: record.jobsFaulty + 1 } },
      ];
      const changed = [best, worse[kind] ?? next, ...others.slice(1)];
      assert.notEqual(changed.toSorted(ranking(policy, changed))[0]?.workerId, next.workerId);
    }),
  );
});

test("a new provider starts beside those that proved themselves, and a strike is not all that counts", () => {
  const proven = { ...NO_RECORD, jobsDone: 50, jobsReleased: 40, latencyMs: 9_000 };
  assert.equal(tierOf({ strikes: 0, record: NO_RECORD }), "preferred");
  assert.equal(tierOf({ strikes: 0, record: proven }), "preferred");
  assert.equal(tierOf({ strikes: 0, record: { ...proven, jobsReleased: 4 } }), "qualified");
  assert.equal(tierOf({ strikes: 1, record: proven }), "qualified");
  assert.equal(tierOf({ strikes: 2, record: proven }), "provisional");
  assert.equal(reliabilityBps(NO_RECORD), 9_500);
  const best = (policy: "cheapest" | "balanced" | "fastest", ...all: Standing[]) =>
    all.toSorted(ranking(policy, all))[0]?.workerId;
  const at = (workerId: string, totalMsats: bigint, record: ProviderRecord, strikes = 0): Standing => ({
    workerId,
    totalMsats,
    record,
    strikes,
  });
  assert.equal(best("cheapest", at("old", 100_000n, proven), at("new", 99_000n, NO_RECORD)), "new");
  assert.equal(best("balanced", at("old", 100_000n, proven), at("new", 85_000n, NO_RECORD)), "new");
  assert.equal(best("balanced", at("old", 100_000n, proven), at("new", 99_000n, NO_RECORD)), "old");
  assert.equal(best("cheapest", at("struck", 100_000n, proven, 1), at("dear", 200_000n, proven)), "struck");
  assert.equal(best("cheapest", at("struck", 100_000n, proven, 1), at("near", 105_000n, proven)), "near");
  const quick = { ...proven, latencyMs: 4_000 };
  assert.equal(best("fastest", at("slow", 1n, proven), at("quick", 900_000n, quick)), "quick");
  const flaky = { ...quick, jobsFaulty: 45 };
  assert.equal(best("fastest", at("flaky", 1n, flaky), at("slow", 900_000n, proven)), "slow");
});

test("a band's price lies between its bounds and never falls with more open jobs", () => {
  const amounts = fc.bigInt({ min: 1n, max: 10n ** 12n });
  fc.assert(
    fc.property(amounts, amounts, fc.option(amounts), fc.nat(64), (low, more, step, open) => {
      const band = {
        capability: JOB,
        payOn: "outcome",
        minPriceMsats: low,
        maxPriceMsats: low + more,
        stepMsats: step ?? undefined,
      } as const;
      const worker = { priceMsats: 7n, executionPriceMsats: undefined, priceBands: [band] };
      const price = askedPrice(worker, JOB, "outcome", open) ?? 0n;
      assert.ok(price >= low && price <= low + more);
      assert.ok((askedPrice(worker, JOB, "outcome", open + 1) ?? 0n) >= price);
      assert.equal(askedPrice(worker, "oa.other.v1", "outcome", open), 7n, "bands are of one job type");
      assert.equal(askedPrice(worker, JOB, "execution", open), undefined);
      assert.equal(secondPrice(worker, JOB, open), price);
      assert.equal(secondPrice({ ...worker, executionPriceMsats: 3n }, JOB, open), 3n);
    }),
  );
});

test("the parts of a price add up to the last msat, and only the reserve costs an adder", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), (price) => {
      const market = priceOf({ zoneTenths: 5 }, price);
      const reserve = priceOf({ zoneTenths: 0 }, price);
      assert.equal(sumOf(market), price + market.feeMsats);
      assert.equal(sumOf(reserve), sumOf(market) + 500n);
    }),
  );
});
