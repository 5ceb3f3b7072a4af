import type { Worker } from "@openagents/contracts";

/** One word for how a worker is. */
export function stateOf(worker: Worker): string {
  if (worker.quarantined) return "quarantined";
  return worker.status === "running" ? worker.liveness : worker.status;
}
