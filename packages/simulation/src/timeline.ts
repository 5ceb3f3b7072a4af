// What happens when, on a clock that only this moves: each event runs at its
// time, events of one time in the order in which they were planned.

export type Timeline = {
  nowMs(): number;
  /** Plan `act` for `delayMs` from now. */
  after(delayMs: number, act: () => Promise<void>): void;
  /** Run until nothing is planned any more; `onEach` runs after each event. */
  run(onEach: () => Promise<void>): Promise<void>;
  /** Move the clock, with nothing planned in between. */
  advance(ms: number): void;
};

type Planned = { readonly atMs: number; readonly order: number; readonly act: () => Promise<void> };

export function createTimeline(startMs: number): Timeline {
  // Sorted, the next one last.
  const planned: Planned[] = [];
  let nowMs = startMs;
  let order = 0;

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

  return {
    nowMs: () => nowMs,
    after(delayMs, act) {
      order += 1;
      insert({ atMs: nowMs + Math.max(0, delayMs), order, act });
    },
    advance(ms) {
      nowMs += ms;
    },
    async run(onEach) {
      for (let next = planned.pop(); next !== undefined; next = planned.pop()) {
        nowMs = next.atMs;
        await next.act();
        await onEach();
      }
    },
  };
}
