/** Wakes whoever waits; a ring between taking the signal and waiting is not lost. */
export type Bell = {
  /** Aborts at the next ring. */
  readonly next: AbortSignal;
  ring(): void;
};

export function createBell(): Bell {
  let waiting = new AbortController();
  return {
    get next() {
      return waiting.signal;
    },
    ring() {
      const rung = waiting;
      waiting = new AbortController();
      rung.abort();
    },
  };
}
