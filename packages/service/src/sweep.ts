// What a service looks after by itself, now and then, in its own name. What a
// crash interrupts is found again by the next look, since the state is all there is to it.

import type { Logger } from "./log.ts";

/** Call `act` once, `ms` from now; the answer calls it off. What `act` answers ends when it has. */
export type After = (ms: number, act: () => Promise<void>) => () => void;

export type Sweep = {
  /** For the log: `incidents`. */
  readonly what: string;
  readonly everyMs: number;
  readonly log: Logger;
  /** The process's own timers when absent. */
  readonly after?: After | undefined;
  /** One look. It ends soon when the signal aborts; what it throws is logged, and the next look comes all the same. */
  readonly look: (signal: AbortSignal) => Promise<void>;
};

/** Start looking; disposing it waits for the look that goes on. */
export function startSweep({ what, everyMs, log, look, after = afterOnTimer }: Sweep): AsyncDisposable {
  const stopped = new AbortController();
  let looking: Promise<void> = Promise.resolve();
  const turn = () => {
    looking = look(stopped.signal)
      .catch((error: unknown) => log.warn({ err: error }, `${what} were not looked at`))
      .finally(() => {
        if (!stopped.signal.aborted) callOff = after(everyMs, turn);
      });
    return looking;
  };
  let callOff = after(everyMs, turn);
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      callOff();
      await looking;
    },
  };
}

function afterOnTimer(ms: number, act: () => Promise<void>): () => void {
  const timer = setTimeout(() => void act(), ms);
  return () => clearTimeout(timer);
}
