// Chance by seed: the same seed gives the same draws in the same order.

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export type Random = {
  /** From `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
  /** Time until the next of events that come once in `mean` on average; at least 1. */
  wait(mean: number): number;
};

export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  const int = (min: number, max: number) => uniformInt(generator, min, max);
  return {
    int,
    chance: (probability) => uniformFloat64(generator) < probability,
    pick: (items) => items[int(0, items.length - 1)] ?? items[0],
    wait: (mean) => Math.max(1, Math.round(-Math.log(1 - uniformFloat64(generator)) * mean)),
  };
}
