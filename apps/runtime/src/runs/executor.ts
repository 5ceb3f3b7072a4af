// Who executes a run: a lease that one process at a time holds. Pure; it may
// not read a clock or a database.
//
// EXE-1  At most one executor holds a lease that lives.
// EXE-2  Every lease has a greater epoch than all before it.
// EXE-3  Only a lapsed lease is taken over, and the log says so.
// EXE-4  The log tells each loss of an executor once, and when it came back.
// Held by executor.test.ts and tests/executor.pg.test.ts. The executor's id is
// no secret and no proof of who asks: the run's organisation is what guards it.

import { isFinished, type EventDraft, type Executor, type Run } from "./run.ts";

/** An executor that does not renew for this long may be taken for lost. */
export const LEASE_MS = 30_000;

export const RENEW_EVERY_MS = 10_000;

/** After a lease lapsed: a runtime or a machine that was away for a moment makes no news of it. */
export const LOST_AFTER_MS = 15_000;

/** In order of precedence. */
export type ExecutorRefusal = "run_finished" | "executor_held" | "executor_fenced";

export type ExecutorDecision =
  | { readonly executor: Executor; readonly drafts: readonly EventDraft[] }
  | { readonly refused: ExecutorRefusal };

/**
 * Who holds the lease after this executor asked for it, and what the log says
 * about it. The holder that asks again keeps its epoch, which is a renewal and no event.
 */
export function decideAcquire(run: Run, executorId: string, nowMs: number): ExecutorDecision {
  const { epoch, lease } = run.executor;
  if (isFinished(run.status)) return { refused: "run_finished" };
  if (lease?.executorId === executorId) return held(epoch, executorId, nowMs, returned(run.executor));
  if (lease !== undefined && nowMs < lease.expiresAtMs) return { refused: "executor_held" };
  const drafts = [eventOf("run.executor_acquired", executorId, epoch + 1n)];
  if (lease !== undefined && !lease.lost)
    drafts.unshift(eventOf("run.executor_lost", lease.executorId, epoch));
  return held(epoch + 1n, executorId, nowMs, drafts);
}

/** A lapsed lease is renewed too, as long as nobody took it over. */
export function decideRenew(run: Run, executorId: string, epoch: bigint, nowMs: number): ExecutorDecision {
  if (isFinished(run.status)) return { refused: "run_finished" };
  if (!holds(run.executor, executorId, epoch)) return { refused: "executor_fenced" };
  return held(epoch, executorId, nowMs, returned(run.executor));
}

/**
 * The loss of an executor whose lease lapsed this long ago; undefined when it is
 * there, or its loss is in the log already. It may still come back.
 */
export function decideLost(
  run: Run,
  nowMs: number,
): { readonly executor: Executor; readonly drafts: readonly EventDraft[] } | undefined {
  const { epoch, lease } = run.executor;
  if (isFinished(run.status) || lease === undefined || lease.lost) return undefined;
  if (nowMs < lease.expiresAtMs + LOST_AFTER_MS) return undefined;
  return {
    executor: { epoch, lease: { ...lease, lost: true } },
    drafts: [eventOf("run.executor_lost", lease.executorId, epoch)],
  };
}

function returned({ epoch, lease }: Executor): readonly EventDraft[] {
  return lease?.lost === true ? [eventOf("run.executor_returned", lease.executorId, epoch)] : [];
}

/** Undefined when the lease is gone already, so that there is nothing to change. */
export function decideRelease(run: Run, executorId: string, epoch: bigint): Executor | undefined {
  return holds(run.executor, executorId, epoch) ? { epoch, lease: undefined } : undefined;
}

function holds(executor: Executor, executorId: string, epoch: bigint): boolean {
  return executor.lease?.executorId === executorId && executor.epoch === epoch;
}

function held(
  epoch: bigint,
  executorId: string,
  nowMs: number,
  drafts: readonly EventDraft[],
): ExecutorDecision {
  return { executor: { epoch, lease: { executorId, expiresAtMs: nowMs + LEASE_MS, lost: false } }, drafts };
}

function eventOf(eventType: string, executorId: string, epoch: bigint): EventDraft {
  return { eventType, payload: { executor_id: executorId, epoch: Number(epoch) } };
}
