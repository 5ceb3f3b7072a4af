// An outside effect: what a command means to be done where no transaction
// reaches, and what became of it. Pure.
//
// INT-1  Nothing is sent that was not committed first.
// INT-2  What may have been sent is never sent again: it is asked about until it is known.
// INT-3  One executor at a time; one that was overtaken records nothing.
// INT-4  A terminal outcome never changes, and replays of the command that waited for it give it for ever.
// INT-5  While writes are frozen nothing new is sent; what was begun is found out and recorded.
// Held by intents.pg.test.ts.

import type { JsonObject } from "@openagents/receipts";

export type IntentStatus = "pending" | "unknown" | "succeeded" | "failed";

export type IntentDraft = {
  /** Which handler carries it out, such as `provider.push`. */
  readonly kind: string;
  /** What it is about, such as a job's id. */
  readonly subject: string;
  /** All that is needed to act; no secrets, since it is stored as it is. */
  readonly payload: JsonObject;
  /** What the outside world tells repeats by; the intent's id when absent. Unique among its kind. */
  readonly effectKey?: string;
  /** The caller's when absent. */
  readonly tenant?: string;
  /** Whether replays of this command give the outcome once it is known. */
  readonly answers: boolean;
};

export type Intent = {
  readonly intentId: string;
  readonly kind: string;
  readonly tenant: string;
  readonly subject: string;
  readonly payload: JsonObject;
  readonly effectKey: string;
  readonly status: IntentStatus;
  /** When it may have been sent first; undefined while it certainly was not. */
  readonly sentAtMs: number | undefined;
  readonly attempts: number;
  /** The command that waits for the outcome. */
  readonly commandId: Buffer | undefined;
  readonly requestId: string;
  readonly detail: string | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** An intent that an executor has taken up. */
export type HeldIntent = Intent & { readonly epoch: bigint };

export type TerminalEffect =
  | { readonly kind: "succeeded"; readonly facts: JsonObject }
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly detail: string;
      readonly facts?: JsonObject;
    };

export type Effect = TerminalEffect | { readonly kind: "unknown"; readonly detail: string };

/** What acting came to. `not_sent` only when it is certain that nothing left: it is tried again. */
export type ActResult = Effect | { readonly kind: "not_sent"; readonly detail: string };

/** Longest time for one act or question; then its outcome is unknown. */
export const ACT_MS = 30_000;

/** How long an executor holds an intent: the act, and recording it after. */
export const HOLD_MS = 60_000;

const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 60_000;

/** When to take it up again after so many attempts: doubling, with jitter so that many do not come back at once. */
export function backoffMs(attempts: number, random: number): number {
  const ceilingMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(attempts, 20));
  return Math.round(ceilingMs * (0.5 + random / 2));
}
