import assert from "node:assert/strict";
import { test } from "node:test";
import { decideRerun, RERUN_POLICY, type RerunOrder } from "./decide-rerun.ts";
import { drawOf, nonceOf } from "./draw.ts";

const KNOWN: RerunOrder = {
  policy: "sampled",
  agreeingJobs: 10,
  strikes: 0,
  zoneTenths: 5,
  totalPriceMsats: 11_105n,
  draw: { seedId: "seed_1", value: 9_999 },
};

test("rules are named in their order, and no draw is made where one asks for the second run", () => {
  const all = {
    ...KNOWN,
    policy: "always",
    strikes: 1,
    agreeingJobs: 0,
    totalPriceMsats: 1_000_001n,
    draw: undefined,
  } as const;
  const required = (because: string) => ({ decision: "required", because });
  assert.deepEqual(decideRerun(all), required("policy_always"));
  const sampled = { ...all, policy: "sampled" } as const;
  assert.deepEqual(decideRerun(sampled), required("provider_struck"));
  assert.deepEqual(decideRerun({ ...sampled, strikes: 0 }), required("provider_new"));
  const known = { ...sampled, strikes: 0, agreeingJobs: 10 };
  assert.deepEqual(decideRerun(known), required("amount_over_limit"));
  assert.deepEqual(decideRerun({ ...known, totalPriceMsats: 1_000_000n }), required("seed_missing"));
});

test("the zone decides the rate, and an unknown zone gets the strictest", () => {
  for (const [zoneTenths, rateBps] of [
    [0, 1_000],
    [5, 2_000],
    [10, 5_000],
    [7, 5_000],
  ] as const) {
    const at = (value: number) =>
      decideRerun({ ...KNOWN, zoneTenths, draw: { seedId: "seed_1", value } }).decision;
    assert.equal(at(rateBps - 1), "drawn");
    assert.equal(at(rateBps), "not_drawn");
  }
});

test("jobs are drawn at the sampled rate, within what an honest draw allows", () => {
  const jobs = 10_000;
  let drawn = 0;
  for (let job = 0; job < jobs; job += 1) {
    const value = drawOf("5e".repeat(32), nonceOf(`key ${job}`), "e".repeat(64));
    if (decideRerun({ ...KNOWN, draw: { seedId: "seed_1", value } }).decision === "drawn") drawn += 1;
  }
  const rate = RERUN_POLICY.rateBps(5) / 10_000;
  // Exactly: a fair draw is this far out on either side once in a million times.
  assert.ok(atMost(drawn, jobs, rate) > 5e-7, `${drawn} are too few`);
  assert.ok(1 - atMost(drawn - 1, jobs, rate) > 5e-7, `${drawn} are too many`);
});

test("a new provider that lies is caught at its first job, and one that turns to lies at the sampled rate", () => {
  const caughtAfter = (agreeingJobs: number, seed: string): number => {
    for (let lies = 1; ; lies += 1) {
      const value = drawOf(seed, nonceOf(`lie ${lies}`), "e".repeat(64));
      const { decision } = decideRerun({ ...KNOWN, agreeingJobs, draw: { seedId: "seed_1", value } });
      if (decision !== "not_drawn") return lies;
    }
  };
  const seeds = Array.from({ length: 1_000 }, (_, index) => nonceOf(`seed ${index}`));
  assert.ok(seeds.every((seed) => caughtAfter(9, seed) === 1));
  // Each lie is caught with chance 1/5, so 1 000 liars tell 5 000 lies on average, and 99.99 % of them fewer than 42.
  const lies = seeds.map((seed) => caughtAfter(10, seed));
  const told = lies.reduce((sum, each) => sum + each, 0);
  // 1 000 liars are caught within n lies exactly when n draws hold at least 1 000 hits.
  assert.ok(1 - atMost(999, told, 0.2) > 5e-7, `${told} lies are too few`);
  assert.ok(atMost(1_000, told, 0.2) > 5e-7, `${told} lies are too many`);
});

/** The chance of at most `hits` in `tries` of chance `rate`, summed exactly in logarithms. */
function atMost(hits: number, tries: number, rate: number): number {
  let logTerm = tries * Math.log(1 - rate);
  let sum = Math.exp(logTerm);
  for (let hit = 1; hit <= hits; hit += 1) {
    logTerm += Math.log((tries - hit + 1) / hit) + Math.log(rate / (1 - rate));
    sum += Math.exp(logTerm);
  }
  return sum;
}
