import { ProblemError, type CommandCall } from "@openagents/contracts";
import type { Mode } from "./store.ts";

/** What a new command is told while writes are frozen; a 503. */
export type FreezeAnswer = {
  readonly code: string;
  readonly detail: string;
  /** When it is worth sending again. */
  readonly retryAfterMs: number;
};

export const WRITES_FROZEN: FreezeAnswer = {
  code: "writes_frozen",
  detail:
    "The operator has frozen all writes. Reads work, and nothing of this request was done. " +
    "Send it again, with the same key where it has one, once writes are active.",
  retryAfterMs: 10_000,
};

/** Throws the answer of a freeze for a new command, unless its contract lets it go on. */
export function assertActive(call: CommandCall, mode: Mode, answer: FreezeAnswer = WRITES_FROZEN): void {
  if (mode === "active" || call.method.whileFrozen) return;
  throw new ProblemError({ status: 503, ...answer });
}
