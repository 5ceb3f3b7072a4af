import { setTimeout as delay } from "node:timers/promises";

/** Wait; true when the time has passed, false as soon as the signal aborts. Tests give one of their own. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<boolean>;

export const pauseFor: Pause = async (ms, signal) => {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
};
