import { CodexWorkers } from "@openagents/contracts";
import { startSweep, type After, type Logger } from "@openagents/service";
import { controlCall } from "../control-call.ts";
import { isUnderMaintenance } from "../maintenance/index.ts";
import { sweepCalls } from "./calls.ts";
import type { CodexWorkerDeps } from "./deps.ts";

/** Whoever waits for an answer waits no longer than this beyond the deadline. */
const LOOK_EVERY_MS = 500;

/**
 * How long a device gets to be back once this service is: one that took a message
 * may have tried to answer all the time while nobody was here.
 */
const RETURN_MS = 60_000;

/** Answer for workers that do not; disposing it waits for the look that goes on. */
export function startCallSweep(
  deps: CodexWorkerDeps & { readonly log: Logger; readonly after?: After | undefined },
): AsyncDisposable {
  let spareUntilMs = deps.nowMs() + RETURN_MS;
  const look = async (signal: AbortSignal) => {
    await sweepCalls(
      deps,
      controlCall(CodexWorkers, "sweepCodexWorkerCalls", "codex_workers:sweep", signal),
      deps.nowMs() < spareUntilMs,
    ).catch((error: unknown) => {
      if (!isUnderMaintenance(error)) throw error;
      // They are answered afterwards; no device could say meanwhile that it is there.
      spareUntilMs = deps.nowMs() + RETURN_MS;
    });
  };
  return startSweep({ ...deps, what: "calls of workers", everyMs: LOOK_EVERY_MS, look });
}
