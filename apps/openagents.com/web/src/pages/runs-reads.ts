import { Projectors, Runs, type ListRunsRequest, type Run, type RunSummary } from "@openagents/contracts";
import type { LoggedEvent } from "@openagents/ui";
import { client } from "../api.ts";

export type RunsRead = {
  readonly runs: readonly Run[];
  readonly summaries: ReadonlyMap<string, RunSummary>;
  readonly nextCursor?: string | undefined;
};

/** A page of runs, each with what its projection says of its verdict and money. */
export async function readRuns(request: ListRunsRequest, signal: AbortSignal): Promise<RunsRead> {
  const { runs, nextCursor } = await client(Runs).listRuns(request, { signal });
  const ids = runs.map(({ runId }) => runId).sort();
  const [oldestRunId] = ids;
  const newestRunId = ids.at(-1);
  if (oldestRunId === undefined || newestRunId === undefined)
    return { runs, summaries: new Map(), nextCursor };
  const answer = await client(Projectors).listRunSummaries({ newestRunId, oldestRunId }, { signal });
  const summaries = new Map(answer.summaries.map((summary) => [summary.runId, summary]));
  return { runs, summaries, nextCursor };
}

/** All events of a run, in order. */
export async function readEvents(runId: string, signal: AbortSignal): Promise<readonly LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for (;;) {
    const afterSeq = events.at(-1)?.seq ?? 0n;
    const page = await client(Runs).listRunEvents({ runId, afterSeq, limit: 500 }, { signal });
    events.push(...page.events);
    if (page.events.length === 0 || (events.at(-1)?.seq ?? 0n) >= page.latestSeq) return events;
  }
}
