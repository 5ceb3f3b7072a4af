import type { RunSummary } from "@openagents/contracts";
import type { Projection } from "./store.ts";

export function topicOf(runId: string): string {
  return `run:${runId}:events`;
}

export function summaryMessage({ summary, hash }: Projection): RunSummary {
  return {
    runId: summary.run_id,
    status: summary.status,
    lastSeq: BigInt(summary.last_seq),
    eventCount: BigInt(summary.event_count),
    lastEventType: summary.last_event_type,
    attempts: summary.attempts,
    verdict: summary.verdict,
    assurance: summary.assurance,
    waitsForReview: summary.waits_for_review,
    reservedMsats: BigInt(summary.reserved_msats),
    spentMsats: BigInt(summary.spent_msats),
    budgetMsats: summary.budget_msats === undefined ? undefined : BigInt(summary.budget_msats),
    forgeUrl: summary.forge_url,
    projectionHash: hash,
  };
}
