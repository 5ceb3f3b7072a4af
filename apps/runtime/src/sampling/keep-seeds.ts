// A seed a day, and each one revealed once nothing rests on it.

import type { CommandCall } from "@openagents/contracts";
import { SEED_MS } from "./seed.ts";
import { SETTLING_MS, openSeed, revealSeed, type SamplingDeps } from "./service.ts";
import { findNewestSeed, isSeedInUse, listHiddenSeeds } from "./store.ts";

/** A seed a day: more than a week of hidden ones is looked at. */
const HIDDEN_MAX = 10;

/** Take the seeds one step on; `callOf` makes the call of a method under a key. */
export async function keepSeeds(
  deps: SamplingDeps,
  callOf: (method: string, key: string) => CommandCall,
  nowMs: number,
): Promise<void> {
  const newest = await findNewestSeed(deps.db);
  if (newest === undefined || nowMs >= newest.openedAtMs + SEED_MS) {
    await openSeed(deps, callOf("openSamplingSeed", `sweep:seed:after:${newest?.seedId ?? "none"}`), {});
    return;
  }
  if (nowMs < newest.openedAtMs + SETTLING_MS) return;
  for (const { seedId } of await listHiddenSeeds(deps.db, HIDDEN_MAX)) {
    if (seedId === newest.seedId || (await isSeedInUse(deps.db, seedId, nowMs))) continue;
    await revealSeed(deps, callOf("revealSamplingSeed", `sweep:reveal:${seedId}`), { seedId });
  }
}
