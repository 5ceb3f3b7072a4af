// Ctrl-C and its kin: the first asks for a clean end, the second forces it.

import { EXIT } from "./cli-error.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export type StopSignals = {
  readonly signal: AbortSignal;
  /** Resolves at the first signal. */
  readonly asked: Promise<void>;
  [Symbol.dispose](): void;
};

/** Catch the signals until disposed. `onAsked` is told of the first one. */
export function catchStopSignals(onAsked: () => void): StopSignals {
  const controller = new AbortController();
  const asked = Promise.withResolvers<void>();
  const handle = () => {
    // What a forced end leaves behind, the next start and `openagents down` clean up.
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
    onAsked();
    asked.resolve();
  };
  for (const name of SIGNALS) process.on(name, handle);
  return {
    signal: controller.signal,
    asked: asked.promise,
    [Symbol.dispose]() {
      for (const name of SIGNALS) process.off(name, handle);
    },
  };
}
