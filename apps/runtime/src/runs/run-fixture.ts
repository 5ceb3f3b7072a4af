import { EMPTY_TRAJECTORY, NO_EXECUTOR, type Run } from "./run.ts";

/** The moment of pure tests about runs. */
export const NOW = 1_790_000_000_000;

/** A run that goes on, with these changes. */
export function run(changes: Partial<Run>): Run {
  return {
    runId: "run_x",
    org: "org_a",
    createdBy: "usr_a",
    status: "running",
    issue: undefined,
    metadata: {},
    nonce: "00",
    latestSeq: 0n,
    trajectoryHash: EMPTY_TRAJECTORY,
    bundleReceiptId: undefined,
    executor: NO_EXECUTOR,
    fork: undefined,
    createdAtMs: NOW,
    updatedAtMs: NOW,
    ...changes,
  };
}
