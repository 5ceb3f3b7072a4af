/** Time as the client sees it; tests give their own. */
export type Timers = {
  readonly nowMs: () => number;
  /** Runs `body` once after so long, unless the answer is called before. */
  after(ms: number, body: () => void): () => void;
};

export const SYSTEM_TIMERS: Timers = {
  nowMs: () => Date.now(),
  after(ms, body) {
    const timer = setTimeout(body, ms);
    return () => clearTimeout(timer);
  },
};
