// Time that moves only when a test says so.

import type { Timers } from "../src/client/timers.ts";

export type ManualTimers = Timers & {
  /** Move on, running what falls due in its order, and all that follows from it. */
  advance(ms: number): Promise<void>;
  /** Wait without any time passing. Throws when it does not become true. */
  until(what: string, condition: () => boolean): Promise<void>;
};

/** Of real time: what waits for other threads is not done in any number of turns. */
const UNTIL_MS_MAX = 30_000;

export function manualTimers(): ManualTimers {
  let nowMs = 1_000_000;
  const due = new Set<{ readonly atMs: number; readonly body: () => void }>();

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await turnOfLoop();
  }

  return {
    nowMs: () => nowMs,
    after(ms, body) {
      const timer = { atMs: nowMs + ms, body };
      due.add(timer);
      return () => due.delete(timer);
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      await settle();
      for (;;) {
        const [next] = [...due].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        due.delete(next);
        nowMs = Math.max(nowMs, next.atMs);
        next.body();
        await settle();
      }
      nowMs = endMs;
    },
    async until(what, condition) {
      const giveUpAtMs = performance.now() + UNTIL_MS_MAX;
      while (performance.now() < giveUpAtMs) {
        if (condition()) return;
        await turnOfLoop();
      }
      throw new Error(`it did not happen that ${what}`);
    },
  };
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
