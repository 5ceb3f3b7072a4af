// Who executes a run: this process, as long as it holds the run's lease. Losing
// it stops everything at once, because somebody else goes on with the run then.

import { randomBytes } from "node:crypto";
import { ProblemError } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import type { RuntimeClients } from "../clients.ts";
import type { Pause } from "../pause.ts";

export type RunHold = {
  readonly epoch: bigint;
  /** Aborts with an `AutopilotError`: `executor_fenced`, or `cancel_requested`. */
  readonly signal: AbortSignal;
  /** Ask now whether to go on. Throws `executor_fenced` and `cancel_requested`. For before money is spent. */
  assertHeld(signal: AbortSignal): Promise<void>;
  /** Give the lease back. Never throws: a lease that is not given back lapses. */
  release(): Promise<void>;
};

export type HoldDeps = {
  readonly runs: Pick<
    RuntimeClients["runs"],
    "acquireExecutor" | "renewExecutor" | "releaseExecutor" | "getRun"
  >;
  readonly pause: Pause;
  readonly nowMs: () => number;
};

const ASK_AGAIN_MS = 1_000;

/** An executor that died has lost its lease by then, so who holds it longer is alive. */
const WAIT_MS_MAX = 60_000;

/**
 * Take the run's lease, waiting for one that lapses; `say` is told meanwhile.
 * A finished run has no lease: the hold then is of epoch 0, and what is left of the
 * ending needs none. Throws `executor_held` when its holder is alive, and what the
 * runtime refuses.
 */
export async function holdRun(
  deps: HoldDeps,
  runId: string,
  signal: AbortSignal,
  say: (detail: string) => void,
  waitMsMax = WAIT_MS_MAX,
): Promise<RunHold> {
  const executorId = `exe_${randomBytes(16).toString("hex")}`;
  const startedMs = deps.nowMs();
  for (let tries = 1; ; tries += 1) {
    try {
      const { lease } = await deps.runs.acquireExecutor(
        { runId, executorId },
        // A refusal is kept under its key, so each try needs its own.
        { idempotencyKey: `${runId}:${executorId}:${tries}`, signal },
      );
      return keepHeld(deps, runId, executorId, lease.epoch, Number(lease.renewEveryMs));
    } catch (cause) {
      if (isRefusedAs(cause, "run_finished")) return NOTHING_TO_HOLD;
      if (!isRefusedAs(cause, "executor_held")) throw cause;
      if (deps.nowMs() - startedMs >= waitMsMax)
        throw new AutopilotError("executor_held", cause.detail, { cause });
      say(cause.detail);
    }
    await deps.pause(ASK_AGAIN_MS, signal);
    signal.throwIfAborted();
  }
}

const NOTHING_TO_HOLD: RunHold = {
  epoch: 0n,
  signal: new AbortController().signal,
  assertHeld: async () => undefined,
  release: async () => undefined,
};

function keepHeld(
  { runs, pause }: HoldDeps,
  runId: string,
  executorId: string,
  epoch: bigint,
  renewEveryMs: number,
): RunHold {
  const lost = new AbortController();
  const ended = new AbortController();
  const renew = async (signal: AbortSignal) => {
    try {
      await runs.renewExecutor({ runId, executorId, epoch }, { signal });
    } catch (cause) {
      // We finished it ourselves, or its log is closed to everyone alike: what is left of the ending needs no lease.
      if (isRefusedAs(cause, "run_finished")) return;
      if (!isRefusedAs(cause, "executor_fenced")) throw cause;
      const fenced = new AutopilotError("executor_fenced", cause.detail, { cause });
      lost.abort(fenced);
      throw fenced;
    }
    const { run } = await runs.getRun({ runId }, { signal });
    if (run.status !== "canceling") return;
    const canceled = new AutopilotError("cancel_requested", "The run was asked to cancel.");
    lost.abort(canceled);
    throw canceled;
  };
  const renewing = (async () => {
    while (await pause(renewEveryMs, ended.signal)) {
      try {
        await renew(ended.signal);
      } catch {
        // A runtime that is away renews nothing for others either; the next renewal tells.
        if (lost.signal.aborted) return;
      }
    }
  })();
  return {
    epoch,
    signal: lost.signal,
    assertHeld: renew,
    async release() {
      ended.abort();
      await renewing;
      await runs
        .releaseExecutor({ runId, executorId, epoch }, { signal: AbortSignal.timeout(RELEASE_MS_MAX) })
        .catch(() => undefined);
    },
  };
}

const RELEASE_MS_MAX = 5_000;

export function isRefusedAs(cause: unknown, ...reasons: readonly string[]): cause is ProblemError {
  return cause instanceof ProblemError && reasons.includes(cause.reason ?? "");
}
