// As sync-chaos.e2e.test.ts, with ten times as many seeds.

import { test } from "node:test";
import { chaosSeeds, runSeeds } from "./sync-chaos/run-seeds.ts";

const SEEDS = 200;

test(
  "whatever is killed, cut or spoiled, two hundred times over: the logs are equal in the end",
  { timeout: 3_600_000 },
  (t) => runSeeds(t, chaosSeeds(SEEDS)),
);
