// Keeps projections near their runs. Nothing waits for it: a command that appended
// events has answered before, and one run's trouble is logged and holds up no other.

import { getMode } from "@openagents/authority";
import type { Database } from "@openagents/postgres";
import { startSweep, type After, type Logger } from "@openagents/service";
import { findRun } from "../runs/index.ts";
import { projectionNow, writesOf } from "./service.ts";
import { listDue } from "./store.ts";

export type ProjectorDeps = {
  readonly db: Database;
  readonly log: Logger;
  readonly after?: After | undefined;
};

const LOOK_EVERY_MS = 500;
const PAGE = 100;

/** Start looking; disposing it waits for the look that goes on. */
export function startProjector(deps: ProjectorDeps): AsyncDisposable {
  const look = (signal: AbortSignal) => catchUp(deps, signal);
  return startSweep({ ...deps, what: "projections", everyMs: LOOK_EVERY_MS, look });
}

async function catchUp({ db, log }: ProjectorDeps, signal: AbortSignal): Promise<void> {
  let after = "";
  for (;;) {
    const page = await listDue(db, after, PAGE);
    // A freeze stops this too, so that a look at the tables finds them still.
    if (page.length > 0 && (await getMode(db)).mode !== "active") return;
    for (const { org, runId } of page) {
      if (signal.aborted) return;
      after = runId;
      await bringUp(db, org, runId).catch((error: unknown) =>
        log.warn({ err: error, run_id: runId }, "a run was not projected"),
      );
    }
    if (page.length < PAGE) return;
  }
}

/** What is derived needs no door: it is read and folded outside of any transaction, and written in one step. */
async function bringUp(db: Database, org: string, runId: string): Promise<void> {
  const run = await findRun(db, org, runId);
  if (run === undefined) throw new Error(`${runId} is due and not there`);
  const made = await projectionNow(db, run);
  const { tx } = await db.begin({ name: "projections.begin", text: "SELECT 1" }, []);
  await tx.commitWith(writesOf(made, false));
}
