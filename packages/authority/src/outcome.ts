// What the body of a command may end in. An answer and a refusal commit; an
// error (anything thrown) rolls back and leaves the key free.

import type { Write } from "@openagents/postgres";

export type Outcome<Output> = Answer<Output> | Refusal | Nothing<Output>;

export type Answer<Output> = {
  readonly kind: "answer";
  readonly output: Output;
  /** HTTP status; the contract's success status when absent. */
  readonly status?: number;
  readonly writes: readonly Write[];
  /** Runs once the transaction is committed; must not throw and must not matter for correctness. */
  readonly afterCommit?: () => void;
};

/** A refusal by funds (402), policy (403) or state (409): decided, stored, and replayed like an answer. */
export type Refusal = {
  readonly kind: "refused";
  readonly rule: "funds" | "policy" | "state";
  /** The rule that refused, from the command's documented list. */
  readonly reason: string;
  /** What happened and what to do next. */
  readonly detail: string;
  readonly receiptId?: string;
  readonly writes?: readonly Write[];
};

/** Nothing was decided, so nothing is recorded and the key stays free. */
export type Nothing<Output> = { readonly kind: "nothing"; readonly output: Output };

/**
 * How recording an outside effect ends. An answer or a refusal is what replays of
 * the command that waits for it give from then on; `recorded` where none waits.
 */
export type Conclusion =
  | Answer<unknown>
  | Refusal
  | {
      readonly kind: "recorded";
      readonly writes: readonly Write[];
      readonly afterCommit?: () => void;
    };

export const REFUSAL_STATUS = { funds: 402, policy: 403, state: 409 } as const;
