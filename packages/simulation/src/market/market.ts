// What all parties of a simulated market share.

import type { Random } from "../random.ts";
import type { Timeline } from "../timeline.ts";
import type { Clients, World } from "../world.ts";
import type { KnownJob, Tally, Told } from "./tally.ts";

export type Market = {
  readonly world: World;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly tally: Tally;
  readonly operator: Clients;
  /** Whether the patch of these bytes holds: what running it gives. */
  readonly truths: Map<string, boolean>;
  readonly jobs: Map<string, KnownJob>;
  /** By the job that it is about. */
  readonly told: Map<string, Told>;
  /** A key for one command. The same seed gives the same, since what is drawn for sampling follows from them. */
  key(): { readonly idempotencyKey: string };
  /** Tell a worker that there may be work. */
  wake(workerId: string): void;
  /** Whom to tell that a job's result was handed in. */
  readonly awaited: Map<string, () => void>;
  readonly sleepers: Map<string, () => void>;
  /** Strikes that the operator has lifted, by worker. */
  readonly forgiven: Map<string, number>;
  /** Orders that are not done, and incidents that are not decided. While there are any, everyone stays. */
  open: number;
};

/** The reason or code of a refusal that is expected; others are the simulation's own mistakes, and thrown. */
export function isRefused(error: unknown, ...reasons: readonly string[]): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  const reason = "reason" in error ? error.reason : undefined;
  return reasons.some((expected) => expected === error.code || expected === reason);
}
