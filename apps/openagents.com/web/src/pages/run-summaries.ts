import { Projectors, type RunSummary } from "@openagents/contracts";
import { client } from "../api.ts";

/** What the projections say of these runs. A file of its own, because a page is on the screen before it needs them. */
export async function readSummaries(
  runIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RunSummary>> {
  const ids = runIds.toSorted();
  const [oldestRunId] = ids;
  const newestRunId = ids.at(-1);
  if (oldestRunId === undefined || newestRunId === undefined) return new Map();
  const { summaries } = await client(Projectors).listRunSummaries({ newestRunId, oldestRunId }, { signal });
  return new Map(summaries.map((summary) => [summary.runId, summary]));
}
