// A log that cannot be read at a moment: it has contradicted nothing, and is asked again.

const RETRY_MS_MIN = 2_000;
const RETRY_MS_MAX = 60_000;

/** Whether the log was not reached, or says itself that it cannot answer now. Any answer of its own is final. */
export async function isAway(error: unknown): Promise<boolean> {
  const { ProblemError } = await import("@openagents/contracts");
  return error instanceof ProblemError && (error.status === 429 || error.status >= 500);
}

/** Doubling up to a minute; `random` of [0, 1) spreads those that watch the same log. */
export function retryMs(failures: number, random: number): number {
  const ceilingMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures, 20));
  return Math.round(ceilingMs * (0.75 + random / 4));
}
