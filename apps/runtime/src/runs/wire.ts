import type { Run as RunMessage, RunEvent as RunEventMessage } from "@openagents/contracts";
import type { Run, RunEvent } from "./run.ts";

export function runMessage(run: Run): RunMessage {
  return {
    runId: run.runId,
    org: run.org,
    createdBy: run.createdBy,
    status: run.status,
    issue: run.issue,
    metadata: run.metadata,
    latestSeq: run.latestSeq,
    trajectoryHash: `sha256:${run.trajectoryHash}`,
    createdAt: run.createdAtMs,
    updatedAt: run.updatedAtMs,
    executor:
      run.executor.lease === undefined
        ? undefined
        : {
            executorId: run.executor.lease.executorId,
            epoch: run.executor.epoch,
            expiresAt: run.executor.lease.expiresAtMs,
            lost: run.executor.lease.lost,
          },
    forkedFrom: run.fork?.fromRunId,
    forkSeq: run.fork?.seq,
  };
}

export function eventMessage(event: RunEvent): RunEventMessage {
  return {
    seq: event.seq,
    eventType: event.eventType,
    payload: event.payload,
    payloadHash: event.payloadHash,
    recordedAt: event.recordedAtMs,
  };
}
