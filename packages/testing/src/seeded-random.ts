// Chance by seed, so that what failed once fails again.

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export type SeededRandom = {
  /** In [0, 1). */
  readonly unit: () => number;
  /** From 0, less than `count`. */
  readonly below: (count: number) => number;
  readonly pick: <T>(items: readonly [T, ...T[]]) => T;
};

/** The same seed gives the same draws in the same order. */
export function seededRandom(seed: number): SeededRandom {
  // Seeds side by side would begin with draws side by side.
  const generator = xoroshiro128plus(Math.imul(seed + 1, 0x9e3779b1));
  const below = (count: number) => uniformInt(generator, 0, count - 1);
  return {
    unit: () => uniformFloat64(generator),
    below,
    pick: (items) => items[below(items.length)] ?? items[0],
  };
}
