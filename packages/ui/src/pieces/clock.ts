import { useSyncExternalStore } from "react";

/** How often what is shown as relative to now is shown anew. */
const TICK_MS = 5_000;

let nowMs = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    nowMs = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** One clock for the whole page, so that times on it agree and one timer moves them. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs);
}
