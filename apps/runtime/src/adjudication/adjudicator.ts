// Nobody has to ask for an adjudication: this looks at the undecided incidents
// now and then and takes each one step on.

import { Fraud, ProblemError } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { startSweep, type After, type Logger } from "@openagents/service";
import { listUndecided } from "../fraud/index.ts";
import { runtimeCall } from "../runtime-call.ts";
import { NO_RESERVE_WORKER, adjudicateIncident, type AdjudicationDeps } from "./adjudicate.ts";

export type AdjudicatorDeps = AdjudicationDeps & {
  readonly db: Database;
  readonly log: Logger;
  readonly after?: After | undefined;
};

const LOOK_EVERY_MS = 1_000;
const PAGE = 50;

/** The incident waits until the operator's reserve is there, and writes are active. */
const WAITS = new Set([NO_RESERVE_WORKER, "writes_frozen"]);

/** Start looking; disposing it waits for the look that goes on. */
export function startAdjudicator(deps: AdjudicatorDeps): AsyncDisposable {
  const look = (signal: AbortSignal) => takeAllOn(deps, signal);
  return startSweep({ ...deps, what: "incidents", everyMs: LOOK_EVERY_MS, look });
}

/** All of them, page by page: one that waits or is broken holds up no other. */
async function takeAllOn(deps: AdjudicatorDeps, signal: AbortSignal): Promise<void> {
  let after = "";
  for (;;) {
    const page = await listUndecided(deps.db, after, PAGE);
    for (const { incidentId } of page) {
      if (signal.aborted) return;
      after = incidentId;
      const call = runtimeCall(Fraud, "adjudicateIncident", "fraud:adjudicate", signal);
      await adjudicateIncident(deps, call, { incidentId }).catch((error: unknown) => {
        if (error instanceof ProblemError && WAITS.has(error.code)) return;
        deps.log.warn({ err: error, incident_id: incidentId }, "an incident was not taken on");
      });
    }
    if (page.length < PAGE) return;
  }
}
