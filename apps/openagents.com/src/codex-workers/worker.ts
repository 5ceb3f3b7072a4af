// A worker: a name under which a device of its owner takes requests.

import type { CodexWorker as WorkerMessage, CodexWorkerStatus, JsonObject } from "@openagents/contracts";
import { streamId } from "@openagents/streams";

export type CodexWorker = {
  readonly workerId: string;
  readonly org: string;
  /** The person whose requests it takes. */
  readonly owner: string;
  readonly name: string;
  readonly deviceId: string;
  readonly status: CodexWorkerStatus;
  readonly adapter: string;
  readonly workspaceRef: string;
  readonly metadata: JsonObject;
  readonly requestCount: bigint;
  readonly lastSeenAtMs: number | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** A device waits for requests in polls of at most 20 s, so one that says nothing for longer than two is away. */
const AWAY_AFTER_MS = 45_000;

/** A device that is there says so by every poll; the row is written no oftener than this. */
export const SEEN_EVERY_MS = 5_000;

export function isOnline({ status, lastSeenAtMs }: CodexWorker, nowMs: number): boolean {
  return status === "running" && lastSeenAtMs !== undefined && nowMs - lastSeenAtMs < AWAY_AFTER_MS;
}

export function workerStream(workerId: string): string {
  return streamId("worker_events", workerId);
}

export function workerMessage(worker: CodexWorker, unanswered: bigint, nowMs: number): WorkerMessage {
  return {
    workerId: worker.workerId,
    name: worker.name,
    owner: worker.owner,
    deviceId: worker.deviceId,
    status: worker.status,
    presence: isOnline(worker, nowMs) ? "online" : "offline",
    adapter: worker.adapter,
    workspaceRef: worker.workspaceRef,
    metadata: worker.metadata,
    streamId: workerStream(worker.workerId),
    unanswered,
    lastSeenAt: worker.lastSeenAtMs,
    createdAt: worker.createdAtMs,
    updatedAt: worker.updatedAtMs,
  };
}
