// Nobody has to ask for money that lies unused: this looks at the reservations
// whose time is over, ends those that nothing rests on, and settles verified jobs
// whose buyer never did. What a crash interrupts is found again by the next look.

import type { Authority } from "@openagents/authority";
import { Treasury } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { startSweep, type After, type Logger } from "@openagents/service";
import { findIncidentOf } from "../fraud/index.ts";
import { findJobByReservation } from "../jobs/index.ts";
import { listDueReservations } from "../reservations/index.ts";
import { runtimeCall } from "../runtime-call.ts";
import { whyLeft } from "./decide-expiry.ts";
import { whyAwaited } from "./decide-incident-wait.ts";
import { BEFORE_ALL, cursorOf, reconcileCompute } from "./reconcile.ts";
import { settleSandboxRun } from "./settle.ts";

export type ReconcilerDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly everyMs: number;
  readonly after?: After | undefined;
};

/** Start looking; disposing it waits for the look that goes on. */
export function startReconciler(deps: ReconcilerDeps): AsyncDisposable {
  return startSweep({ ...deps, what: "reservations", look: (signal) => reconcileAll(deps, signal) });
}

/**
 * Page by page, looked at without a lock: most of what is left stays so for a
 * while, and a command that ends nothing would only fill its table.
 */
async function reconcileAll(deps: ReconcilerDeps, signal: AbortSignal): Promise<void> {
  let after = BEFORE_ALL;
  for (;;) {
    const page = await listDueReservations(deps.db, deps.nowMs(), after, PAGE);
    const cursor = cursorOf(after);
    let endsSome = false;
    for (const { org, reservationId, expiresAtMs } of page) {
      if (signal.aborted) return;
      const job = await findJobByReservation(deps.db, reservationId);
      const leftBecause = whyLeft(job, deps.nowMs());
      endsSome ||= leftBecause === undefined;
      if (job !== undefined && leftBecause === "job_verified") {
        // Its settlement is refused until the operator has decided, or had its time to.
        const incident = await findIncidentOf(deps.db, job.jobId);
        if (whyAwaited(incident, { expiresAtMs }, deps.nowMs()) === undefined)
          await settle(deps, org, job.jobId, signal);
      }
      after = { expiresAtMs: expiresAtMs ?? 0, reservationId };
    }
    if (endsSome) {
      const call = runtimeCall(Treasury, "reconcileCompute", "treasury:reconcile", signal);
      await reconcileCompute(deps, call, { cursor, limit: PAGE });
    }
    if (page.length < PAGE) return;
  }
}

const PAGE = 50;

/** One that cannot be settled holds up no other. */
async function settle(deps: ReconcilerDeps, org: string, jobId: string, signal: AbortSignal): Promise<void> {
  const call = runtimeCall(Treasury, "settleSandboxRun", "treasury:spend", signal, org);
  await settleSandboxRun(deps, call, { jobId }).catch((error: unknown) => {
    deps.log.warn({ err: error, job_id: jobId }, "a verified job was not settled");
  });
}
