/** A clock that moves only when a test says so. */
export type ManualClock = {
  readonly nowMs: () => number;
  advance(ms: number): void;
};

export function manualClock(startMs: number): ManualClock {
  let currentMs = startMs;
  return {
    nowMs: () => currentMs,
    advance(ms) {
      currentMs += ms;
    },
  };
}
