import { Jobs, ProblemError } from "@openagents/contracts";
import { startSweep, type After, type Logger } from "@openagents/service";
import { runtimeCall } from "../runtime-call.ts";
import { sweepLeases, type SweepDeps } from "./sweep.ts";

/** Far shorter than a gap that counts as an outage. */
const LOOK_EVERY_MS = 5_000;

/** Look after leases now and then; disposing it waits for the look that goes on. */
export function startLeaseSweep(
  deps: SweepDeps & {
    readonly log: Logger;
    readonly everyMs?: number | undefined;
    readonly after?: After | undefined;
  },
): AsyncDisposable {
  const look = async (signal: AbortSignal) => {
    await sweepLeases(deps, runtimeCall(Jobs, "sweepLeases", "jobs:sweep", signal)).catch(
      (error: unknown) => {
        // Frozen: what lapses meanwhile holds again afterwards, as after an outage.
        if (error instanceof ProblemError && error.code === "writes_frozen") return;
        throw error;
      },
    );
  };
  return startSweep({ ...deps, what: "leases", everyMs: deps.everyMs ?? LOOK_EVERY_MS, look });
}
