// Which worker a message is for. Pure.
//
// WRK-1  A worker that is there keeps its threads.
// WRK-2  One that is away is stood in for as the autopilot's policy orders it, and by nobody else.
// WRK-3  The choice is total: what came first, and how the list was read, changes nothing.
// Held by choose-worker.test.ts and tests/threads.pg.test.ts.

import { isOnline, type CodexWorker } from "../codex-workers/index.ts";

export type Choice =
  | { readonly kind: "worker"; readonly workerId: string }
  /** In order of precedence. */
  | { readonly kind: "refused"; readonly reason: "no_worker" | "several_workers" };

export type WorkerChoice = {
  /** The thread's own, else the autopilot's. */
  readonly named: string | undefined;
  /** All of the person's that run. */
  readonly running: readonly CodexWorker[];
  /** Adapters, in the order in which their workers stand in; of the autopilot's policy. */
  readonly fallbackOrder: readonly string[];
  readonly nowMs: number;
};

export function chooseWorker({ named, running, fallbackOrder, nowMs }: WorkerChoice): Choice {
  const online = running.filter((worker) => isOnline(worker, nowMs));
  if (named !== undefined && online.some(({ workerId }) => workerId === named))
    return { kind: "worker", workerId: named };
  const [standIn] = online
    .filter(({ adapter }) => fallbackOrder.includes(adapter))
    .sort((a, b) => fallbackOrder.indexOf(a.adapter) - fallbackOrder.indexOf(b.adapter) || byAge(a, b));
  if (standIn !== undefined) return { kind: "worker", workerId: standIn.workerId };
  // Nobody stands in: the message waits for the one that is named.
  if (named !== undefined) return { kind: "worker", workerId: named };
  const [only, another] = running;
  if (only === undefined) return { kind: "refused", reason: "no_worker" };
  if (another !== undefined) return { kind: "refused", reason: "several_workers" };
  return { kind: "worker", workerId: only.workerId };
}

/** The newest first; ids sort by time. */
function byAge(a: CodexWorker, b: CodexWorker): number {
  return a.workerId > b.workerId ? -1 : a.workerId < b.workerId ? 1 : 0;
}
