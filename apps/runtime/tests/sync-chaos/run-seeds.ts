import type { TestContext } from "node:test";
import { runSeed } from "./run-seed.ts";
import { startWorld } from "./world.ts";

/** Seeds that failed once, and what was wrong. They are always among those that run. */
const FAILED_ONCE: ReadonlyMap<number, string> = new Map([
  [0, "a lost connection was waited for without end, because a timer fired before the clock showed its time"],
]);

/** The first so many and those that failed once, or those that SYNC_CHAOS_SEEDS names. */
export function chaosSeeds(count: number): number[] {
  const named = process.env["SYNC_CHAOS_SEEDS"];
  if (named !== undefined) return named.split(",").map(Number);
  const first = Array.from({ length: count }, (_, seed) => seed);
  return [...new Set([...FAILED_ONCE.keys(), ...first])];
}

export async function runSeeds(t: TestContext, seeds: readonly number[]): Promise<void> {
  const world = await startWorld(t);
  for (const seed of seeds) {
    await world.settle();
    const startedAtMs = performance.now();
    try {
      await runSeed(world, seed);
    } catch (cause) {
      const known = FAILED_ONCE.get(seed);
      const name = known === undefined ? `seed ${seed}` : `seed ${seed} (once: ${known})`;
      const text = `${name}: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new Error(`${text}\nagain: SYNC_CHAOS_SEEDS=${seed}`, { cause });
    }
    t.diagnostic(`seed ${seed}: ${Math.round(performance.now() - startedAtMs)} ms`);
  }
}
