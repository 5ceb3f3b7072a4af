// REPLAY.jsonl, version 2: a run's whole log as lines of canonical JSON, from
// which the trajectory hash can be computed again.

import { canonicalize, type JsonObject } from "@openagents/receipts";
import type { Run, RunEvent } from "./run.ts";

export function replayHead(run: Run): string {
  const header = {
    event: "ReplayHeader",
    replay_version: 2,
    producer: "openagents-runtime",
    created_at: timeOf(run.createdAtMs),
  };
  const start = { event: "SessionStart", session_id: run.runId, t: timeOf(run.createdAtMs) };
  return lineOf(header) + lineOf(start);
}

export function replayLine(run: Run, event: RunEvent): string {
  return lineOf({
    event: "RuntimeEvent",
    session_id: run.runId,
    t: timeOf(event.recordedAtMs),
    seq: Number(event.seq),
    event_type: event.eventType,
    payload: event.payload,
    payload_hash: event.payloadHash,
    chain_sha256: event.chainHash,
  });
}

export function replayTail(run: Run): string {
  return lineOf({
    event: "SessionEnd",
    session_id: run.runId,
    t: timeOf(run.updatedAtMs),
    status: run.status,
    through_seq: Number(run.latestSeq),
    trajectory_hash: `sha256:${run.trajectoryHash}`,
  });
}

function lineOf(value: JsonObject): string {
  return `${canonicalize(value)}\n`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
