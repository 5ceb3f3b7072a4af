// Whether enough copies of a panel are in to decide on. Pure.
//
// PNL-1  Nothing is decided while a copy may still come in: until `decide_by` whoever
//        could take it is waited for, and after it whoever works on it, within the
//        job's own limits.
// PNL-6  A buyer gets no answer for nothing by leaving copies out: what it did not order,
//        or called off, is not counted.

import { isTaken, type Job } from "../jobs/index.ts";

export type Copy = {
  readonly quoteId: string;
  readonly quoteValidUntilMs: number;
  /** Undefined until it is ordered. */
  readonly job: Job | undefined;
};

/** `waiting`: nobody works on it. `over`: it gave no answer, and will not. */
export type CopyState = "waiting" | "held" | "answered" | "over";

export function stateOf({ job, quoteValidUntilMs }: Copy, nowMs: number): CopyState {
  switch (job?.status) {
    case undefined:
      return nowMs < quoteValidUntilMs ? "waiting" : "over";
    case "queued":
    case "leased":
      return isTaken(job, nowMs) ? "held" : "waiting";
    case "reported":
    case "verified":
    case "settled":
      return job.result === undefined ? "over" : "answered";
    case "canceled":
      return "over";
  }
}

export function isReady(copies: readonly Copy[], decideByMs: number, nowMs: number): boolean {
  const states = copies.map((copy) => stateOf(copy, nowMs));
  if (states.includes("held")) return false;
  return !states.includes("waiting") || nowMs >= decideByMs;
}

export type Asked = { readonly redundancy: number; readonly quorum: number };

/** How many were asked in the end, and how many of them must agree: where some were left out, more than half. */
export function askedOf({ redundancy, quorum }: Asked, copies: readonly Copy[]): Asked {
  const asked = copies.filter(({ job }) => job !== undefined && job.status !== "canceled").length;
  return asked === redundancy
    ? { redundancy, quorum }
    : { redundancy: asked, quorum: Math.floor(asked / 2) + 1 };
}
