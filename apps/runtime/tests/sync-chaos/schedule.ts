// What happens to everybody under one seed. Pure.

import { seededRandom } from "@openagents/testing";

export type Trouble =
  | "kill_runtime"
  | "kill_sync"
  | "kill_database"
  | "kill_client"
  | "cut"
  | "narrow"
  | "other_server";

export type Schedule = {
  readonly seed: number;
  /** Commands that are given in all, over the streams in turn. */
  readonly commands: number;
  /** Each once so many commands are acknowledged. */
  readonly troubles: readonly { readonly atCommand: number; readonly trouble: Trouble }[];
  /** How long a sync token lives. */
  readonly tokenLifeS: number;
  /** Of each frame that the shaky client hears: how often it comes twice, late, or damaged. */
  readonly twice: number;
  readonly late: number;
  readonly damaged: number;
};

const CHEAP = ["kill_sync", "kill_client", "cut", "cut", "narrow", "other_server"] as const;
/** Seconds each, so at most one of them in a seed. */
const COSTLY = ["kill_runtime", "kill_database"] as const;

export function scheduleOf(seed: number): Schedule {
  const random = seededRandom(seed);
  const commands = 80 + random.below(120);
  const kinds: Trouble[] = Array.from({ length: 2 + random.below(3) }, () => random.pick(CHEAP));
  if (random.unit() < 0.6) kinds.push(random.pick(COSTLY));
  const troubles = kinds
    .map((trouble) => ({ atCommand: 1 + random.below(commands - 1), trouble }))
    .sort((a, b) => a.atCommand - b.atCommand);
  const share = (most: number) => (random.unit() < 0.5 ? 0 : random.unit() * most);
  return {
    seed,
    commands,
    troubles,
    tokenLifeS: random.unit() < 0.3 ? 4 : 300,
    twice: share(0.3),
    late: share(0.3),
    damaged: share(0.05),
  };
}
