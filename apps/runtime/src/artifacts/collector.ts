// Collects artifacts now and then, in the runtime's own name.

import { randomUUID } from "node:crypto";
import { Artifacts, ProblemError, methodsOf, type CommandCall, type Principal } from "@openagents/contracts";
import type { Logger } from "@openagents/service";
import { collectPage, type CollectDeps } from "./collect.ts";

const COLLECT_EVERY_MS = 60_000;

const COLLECTOR: Principal = {
  id: "svc_runtime",
  kind: "service",
  org: "org_operator",
  scopes: new Set(["admin", "artifacts:collect"]),
  zoneTenths: 0,
  tokenId: "svc_runtime",
};

/** Start collecting; disposing it waits for the page that goes on. */
export function startCollector(deps: CollectDeps & { readonly log: Logger }): AsyncDisposable {
  const stopped = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let collecting: Promise<void> = Promise.resolve();
  const plan = () => {
    timer = setTimeout(() => {
      collecting = collectAll(deps, stopped.signal)
        .catch((error: unknown) => {
          if (error instanceof ProblemError && error.code === "writes_frozen") return;
          deps.log.warn({ err: error }, "artifacts were not collected");
        })
        .finally(() => {
          if (!stopped.signal.aborted) plan();
        });
    }, COLLECT_EVERY_MS);
  };
  plan();
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      clearTimeout(timer);
      await collecting;
    },
  };
}

async function collectAll(deps: CollectDeps & { readonly log: Logger }, signal: AbortSignal): Promise<void> {
  for (;;) {
    const report = await collectPage(deps, callOf(signal));
    if (report.artifactsRemoved > 0n || report.blobsDeleted > 0n) {
      const { artifactsRemoved, bytesRemoved, blobsDeleted } = report;
      deps.log.info(
        {
          artifacts_removed: Number(artifactsRemoved),
          bytes_removed: Number(bytesRemoved),
          blobs_deleted: Number(blobsDeleted),
        },
        "artifacts collected",
      );
    }
    if (!report.more || signal.aborted) return;
  }
}

function callOf(signal: AbortSignal): CommandCall {
  const method = methodsOf(Artifacts).find(({ name }) => name.endsWith("CollectArtifacts"));
  if (method === undefined) throw new Error("the contract has no CollectArtifacts");
  return { requestId: `req_${randomUUID()}`, signal, method, principal: COLLECTOR, idempotencyKey: "" };
}
