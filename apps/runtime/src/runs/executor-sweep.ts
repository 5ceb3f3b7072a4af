// Executors that died tell nobody. This looks for leases that lapsed and has each
// loss recorded, so that lists and logs say it before anybody tries to take over.

import { ProblemError, Runs } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { startSweep, type After, type Logger } from "@openagents/service";
import { runtimeCall } from "../runtime-call.ts";
import { LOST_AFTER_MS } from "./executor.ts";
import { recordLostExecutor } from "./executor-service.ts";
import type { RunsDeps } from "./service.ts";
import { listLapsed, type Lapsed } from "./store.ts";

export type ExecutorSweepDeps = RunsDeps & {
  readonly db: Database;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly after?: After | undefined;
};

const LOOK_EVERY_MS = 2_000;
const PAGE = 100;

/** Start looking; disposing it waits for the look that goes on. */
export function startExecutorSweep(deps: ExecutorSweepDeps): AsyncDisposable {
  const look = (signal: AbortSignal) => recordLost(deps, signal);
  return startSweep({ ...deps, what: "executors", everyMs: LOOK_EVERY_MS, look });
}

/** Page by page, and past those that could not be recorded. */
async function recordLost(deps: ExecutorSweepDeps, signal: AbortSignal): Promise<void> {
  const throughMs = deps.nowMs() - LOST_AFTER_MS;
  let after: Lapsed = { runId: "", expiresAtMs: 0 };
  for (;;) {
    const page = await listLapsed(deps.db, throughMs, after, PAGE);
    for (const lapsed of page) {
      if (signal.aborted) return;
      after = lapsed;
      const { runId } = lapsed;
      const call = runtimeCall(Runs, "recordLostExecutor", "runs:sweep", signal);
      await recordLostExecutor(deps, call, { runId }).catch((error: unknown) => {
        // A freeze is no executor's fault; a later look finds those that stay away.
        if (error instanceof ProblemError && error.code === "writes_frozen") return;
        deps.log.warn({ err: error, run_id: runId }, "a lost executor was not recorded");
      });
    }
    if (page.length < PAGE) return;
  }
}
