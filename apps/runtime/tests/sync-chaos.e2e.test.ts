// Everybody is killed, cut off, slowed down and lied to at random, by seed; then
// each client's applied log is the authority's, with equal hashes.
//
// One seed again: SYNC_CHAOS_SEEDS=17 node --test tests/sync-chaos.e2e.test.ts

import { test } from "node:test";
import { chaosSeeds, runSeeds } from "./sync-chaos/run-seeds.ts";

const SEEDS = 20;

test(
  "whatever is killed, cut or spoiled: each client applies what the authority committed, once and in order",
  { timeout: 900_000 },
  (t) => runSeeds(t, chaosSeeds(SEEDS)),
);
