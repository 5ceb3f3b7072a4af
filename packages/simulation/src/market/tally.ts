// What a simulated market came to, counted as it happens. The simulation knows the
// truth of every patch, which no party of the market does.

import type { Lie } from "./lies.ts";
import type { Behaviour } from "./population.ts";

/** A job as the simulation knows it. */
export type KnownJob = {
  readonly jobId: string;
  readonly buyer: string;
  readonly holds: boolean;
  readonly sampled: boolean;
  readonly payOn: "outcome" | "execution";
  readonly orderedAtMs: number;
};

/** One report of one provider, as it was handed in. */
export type Told = {
  readonly workerId: string;
  readonly behaviour: Behaviour;
  /** Whether it says what the work really gives. */
  readonly honest: boolean;
  /** Handed in under a lease that was renewed in time. */
  readonly inTime: boolean;
};

export type Settled = {
  readonly job: KnownJob;
  readonly status: "released" | "withheld";
  /** Providers and operator together. */
  readonly costMsats: bigint;
  readonly providerMsats: bigint;
  /** Of the bought work itself. */
  readonly told: Told | undefined;
  /** Of the second run, where there was one. */
  readonly second: Told | undefined;
  readonly violations: readonly string[];
  readonly disagreement: boolean;
  /** What was drawn for a job of policy `sampled`. */
  readonly rerun:
    | { readonly because: string; readonly decision: string; readonly rateBps: number | undefined }
    | undefined;
};

export type Tally = {
  wanted: number;
  /** No provider was to be had. */
  unfilled: number;
  /** Refused for want of funds. */
  unfunded: number;
  dispatched: number;
  /** Given up by its buyer, its money back. */
  givenUp: number;
  settled: Settled[];
  latenciesMs: number[];
  /** Handed in after the lease lapsed, and refused. */
  lateRefused: number;
  /** Refused before it was stored. */
  reportsRefused: number;
  /** Lies among them. */
  liesRefused: Lie[];
  fallbacks: number;
  incidents: number;
  /** Requests that a grasping buyer made in vain. */
  graspsRefused: number;
  events: number;
};

export function emptyTally(): Tally {
  return {
    wanted: 0,
    unfilled: 0,
    unfunded: 0,
    dispatched: 0,
    givenUp: 0,
    settled: [],
    latenciesMs: [],
    lateRefused: 0,
    reportsRefused: 0,
    liesRefused: [],
    fallbacks: 0,
    incidents: 0,
    graspsRefused: 0,
    events: 0,
  };
}
