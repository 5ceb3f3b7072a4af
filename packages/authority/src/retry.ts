// What is worth running again, and how often.

import { ProblemError } from "@openagents/contracts";
import { isConnectionLoss, isRetryable, isUniqueViolation } from "@openagents/postgres";

/** How often a body is run again after a serialization failure, deadlock or lost connection. */
const ATTEMPTS_MAX = 6;

/** Unique keys whose winner a snapshot may miss; the body, run again, sees it and decides anew. */
const RACED = ["commands_pkey", "transfers_pkey", "transfers_pending_id_key"];

/**
 * Run again what the database could not order or keep a connection for. After
 * a connection lost in COMMIT the outcome is unknown, and claiming the key
 * again tells it: the stored answer is there, or nothing happened.
 */
export async function retrying<T>(body: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await body();
    } catch (error) {
      const again =
        isRetryable(error) || isConnectionLoss(error) || RACED.some((each) => isUniqueViolation(error, each));
      if (!again) throw error;
      if (tries >= ATTEMPTS_MAX) {
        throw new ProblemError({
          status: 503,
          code: isConnectionLoss(error) ? "database_unavailable" : "database_contended",
          detail:
            "The database could not finish this command now. Send the same request with the same key again.",
          retryAfterMs: 1_000,
          cause: error,
        });
      }
      await pause(Math.random() * 10 * 2 ** tries);
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
