// An event of a run as its stream tells it. A fork's log goes on counting where
// the run that it came from was left, its stream begins at 1: so both numbers.

import { type StreamEventDraft, eventDraft } from "@openagents/authority";
import { streamId } from "@openagents/streams";
import type { Run, RunEvent } from "./run.ts";

export function runStreamEvent(
  { runId, org }: Pick<Run, "runId" | "org">,
  event: RunEvent,
): StreamEventDraft {
  const { seq, eventType, payload, chainHash, recordedAtMs } = event;
  const facts = { run_id: runId, seq: Number(seq), chain_hash: `sha256:${chainHash}`, payload };
  return eventDraft(streamId("run", runId), org, eventType, facts, recordedAtMs);
}
