// What a subscription delivered and nobody has applied yet. Bounded: what does
// not fit is forgotten, because a replay brings it again.

import type { StreamEvent } from "@openagents/streams";

const EVENTS_MAX = 50_000;
const LENGTH_MAX = 32 * 1024 * 1024;

export type Inbox = {
  readonly size: number;
  /** Something was forgotten since the last `clear`. */
  readonly overflowed: boolean;
  put(events: readonly StreamEvent[]): void;
  take(max: number): readonly StreamEvent[];
  clear(): void;
};

export function createInbox(): Inbox {
  let waiting: StreamEvent[] = [];
  let taken = 0;
  let length = 0;
  let overflowed = false;

  function clear(): void {
    waiting = [];
    taken = 0;
    length = 0;
    overflowed = false;
  }

  return {
    get size() {
      return waiting.length - taken;
    },
    get overflowed() {
      return overflowed;
    },
    put(events) {
      if (overflowed) return;
      for (const event of events) {
        waiting.push(event);
        length += event.payload.length;
      }
      if (waiting.length - taken <= EVENTS_MAX && length <= LENGTH_MAX) return;
      clear();
      overflowed = true;
    },
    take(max) {
      const events = waiting.slice(taken, taken + max);
      taken += events.length;
      for (const event of events) length -= event.payload.length;
      // Moving the rest up for each batch would cost more than the batch.
      if (taken === waiting.length || taken > EVENTS_MAX) {
        waiting = waiting.slice(taken);
        taken = 0;
      }
      return events;
    },
    clear,
  };
}
