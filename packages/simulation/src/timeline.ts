// What happens when, on a clock that only this moves: each event runs at its
// time, events of one time in the order in which they were planned. No two begin in
// the same millisecond, so that what is made in one is older than what the next makes.

export type Timeline = {
  readonly nowMs: () => number;
  /** Plan `act` for `delayMs` from now. */
  after(delayMs: number, act: () => Promise<void>): void;
  /** The same for what goes on beside: it keeps nothing running. The answer calls it off. */
  readonly beside: (delayMs: number, act: () => Promise<void>) => () => void;
  /** Run until nothing is planned any more but what goes on beside; `onEach` runs after each event of the others. */
  run(onEach: () => Promise<void>): Promise<void>;
  /** Move the clock at one stroke, and then run what was due by now, each once. */
  leap(ms: number): Promise<void>;
};

type Planned = {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => Promise<void>;
  readonly isBeside: boolean;
};

export function createTimeline(startMs: number): Timeline {
  // Sorted, the next one last.
  const planned: Planned[] = [];
  let nowMs = startMs;
  let order = 0;
  /** Planned events that keep it running. */
  let open = 0;

  const isLater = (a: Planned, b: Planned) => a.atMs > b.atMs || (a.atMs === b.atMs && a.order > b.order);

  function insert(event: Planned): void {
    let low = 0;
    let high = planned.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = planned[middle];
      if (other !== undefined && isLater(other, event)) low = middle + 1;
      else high = middle;
    }
    planned.splice(low, 0, event);
  }

  function plan(delayMs: number, act: () => Promise<void>, isBeside: boolean): Planned {
    order += 1;
    const event = { atMs: nowMs + Math.max(0, delayMs), order, act, isBeside };
    insert(event);
    return event;
  }

  return {
    nowMs: () => nowMs,
    after(delayMs, act) {
      open += 1;
      plan(delayMs, act, false);
    },
    beside(delayMs, act) {
      const event = plan(delayMs, act, true);
      return () => {
        const place = planned.indexOf(event);
        if (place !== -1) planned.splice(place, 1);
      };
    },
    async run(onEach) {
      while (open > 0) {
        const next = planned.pop();
        if (next === undefined) throw new Error("an event got lost");
        nowMs = Math.max(next.atMs, nowMs + 1);
        await next.act();
        if (next.isBeside) continue;
        open -= 1;
        await onEach();
      }
    },
    async leap(ms) {
      nowMs += ms;
      const due = planned.filter(({ atMs }) => atMs <= nowMs).toReversed();
      for (const event of due) {
        planned.splice(planned.indexOf(event), 1);
        if (!event.isBeside) open -= 1;
        nowMs += 1;
        await event.act();
      }
    },
  };
}
