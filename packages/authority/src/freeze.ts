import { ProblemError, type CommandCall } from "@openagents/contracts";
import type { Mode } from "./store.ts";

/** When a command that met a freeze is worth sending again. */
const FROZEN_RETRY_AFTER_MS = 10_000;

/** Throws 503 `writes_frozen` for a new command, unless its contract lets it go on. */
export function assertActive(call: CommandCall, mode: Mode): void {
  if (mode === "active" || call.method.whileFrozen) return;
  throw new ProblemError({
    status: 503,
    code: "writes_frozen",
    detail:
      "The operator has frozen all writes. Reads work, and nothing of this request was done. " +
      "Send it again, with the same key where it has one, once writes are active.",
    retryAfterMs: FROZEN_RETRY_AFTER_MS,
  });
}
