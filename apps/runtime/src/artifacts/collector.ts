// Collects artifacts now and then, in the runtime's own name.

import { Artifacts, ProblemError } from "@openagents/contracts";
import { startSweep, type After, type Logger } from "@openagents/service";
import { runtimeCall } from "../runtime-call.ts";
import { collectPage, type CollectDeps } from "./collect.ts";

const COLLECT_EVERY_MS = 60_000;

export type CollectorDeps = CollectDeps & { readonly log: Logger; readonly after?: After | undefined };

/** Start collecting; disposing it waits for the page that goes on. */
export function startCollector(deps: CollectorDeps): AsyncDisposable {
  return startSweep({
    ...deps,
    what: "artifacts",
    everyMs: COLLECT_EVERY_MS,
    look: (signal) =>
      collectAll(deps, signal).catch((error: unknown) => {
        if (!(error instanceof ProblemError && error.code === "writes_frozen")) throw error;
      }),
  });
}

async function collectAll(deps: CollectorDeps, signal: AbortSignal): Promise<void> {
  for (;;) {
    const call = runtimeCall(Artifacts, "collectArtifacts", "artifacts:collect", signal);
    const { artifactsRemoved, bytesRemoved, blobsDeleted, more } = await collectPage(deps, call);
    if (artifactsRemoved > 0n || blobsDeleted > 0n) {
      const counts = {
        artifacts_removed: Number(artifactsRemoved),
        bytes_removed: Number(bytesRemoved),
        blobs_deleted: Number(blobsDeleted),
      };
      deps.log.info(counts, "artifacts collected");
    }
    if (!more || signal.aborted) return;
  }
}
