// Wakes long polls when a job is offered. A wake-up is only a hint to look
// again: a lost one costs time, never a job.

import type { Database } from "@openagents/postgres";

const CHANNEL = "runtime_job_offered";

/** Look again this often even without a hint, for leases that lapse and hints that are lost. */
const RECHECK_MS = 5_000;

export type Offers = {
  /** Tell every process that a worker was offered a job. */
  announce(workerId: string): void;
  /** Have `listener` told of what this process announces from now on; it must not throw. */
  onAnnounce(listener: () => void): void;
  /** Resolve when the worker may have a job, the wait is over, or the signal aborts. */
  wait(workerId: string, waitMs: number, signal: AbortSignal): Promise<void>;
  /** True once the service shuts down: a poll answers at once then. */
  readonly closed: boolean;
  /** Wake everyone, and let nobody wait any more. */
  release(): void;
  /** Hear of nothing any more. */
  close(): Promise<void>;
};

export async function openOffers(db: Database): Promise<Offers> {
  const waiters = new Map<string, Set<() => void>>();
  const wake = (workerId: string) => {
    for (const resolve of waiters.get(workerId) ?? []) resolve();
  };
  const wakeAll = () => {
    for (const workerId of waiters.keys()) wake(workerId);
  };
  // An empty payload says that the listener was reconnected and may have missed some.
  const listener = await db.listen(CHANNEL, (workerId) => (workerId === "" ? wakeAll() : wake(workerId)));
  let announced: (() => void) | undefined;
  let closed = false;

  return {
    get closed() {
      return closed;
    },
    announce(workerId) {
      wake(workerId);
      announced?.();
      db.notify(CHANNEL, workerId).catch(ignoreLostHint);
    },
    onAnnounce(listener) {
      announced = listener;
    },
    wait(workerId, waitMs, signal) {
      if (closed || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const woken = waiters.get(workerId) ?? new Set();
        waiters.set(workerId, woken);
        const finish = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", finish);
          woken.delete(finish);
          if (woken.size === 0) waiters.delete(workerId);
          resolve();
        };
        const timer = setTimeout(finish, Math.min(waitMs, RECHECK_MS));
        signal.addEventListener("abort", finish);
        woken.add(finish);
      });
    },
    release() {
      closed = true;
      wakeAll();
    },
    close: () => listener.close(),
  };
}

/** Waiters look again on their own soon. */
function ignoreLostHint(): void {}
