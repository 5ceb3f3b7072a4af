// How long to wait before the next attempt. Pure.

const BASE_MS = 250;
const CAP_MS = 8_000;
const DOUBLINGS_MAX = 5;

/**
 * 250 ms · 2ⁿ and at most 8 s, of which up to half is taken away at random, so
 * that clients that lost one server do not come back together. `attempt` counts
 * from 0; `random` is in [0, 1).
 */
export function backoffMs(attempt: number, random: number): number {
  const fullMs = Math.min(BASE_MS * 2 ** Math.min(attempt, DOUBLINGS_MAX), CAP_MS);
  return Math.round(fullMs * (1 - random / 2));
}
