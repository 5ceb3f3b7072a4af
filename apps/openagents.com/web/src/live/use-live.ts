import { useEffect, useSyncExternalStore } from "react";
import { live, type LiveState, type StreamTold } from "./live.ts";

export function useLiveState(): LiveState {
  return useSyncExternalStore(live.watch, () => live.state);
}

/** Be told of a stream's further events for as long as the page is shown. */
export function useStream(
  streamId: string | undefined,
  onEvents: (events: readonly StreamTold[]) => void,
): void {
  useEffect(() => {
    if (streamId === undefined) return undefined;
    return live.follow(streamId, onEvents);
  }, [streamId, onEvents]);
}

/** How often a page reads again: seldom where the sync lane tells of changes, often where it is away. */
export function usePace(liveMs = 30_000, awayMs = 3_000): { readonly everyMs: number } {
  return { everyMs: useLiveState() === "live" ? liveMs : awayMs };
}
