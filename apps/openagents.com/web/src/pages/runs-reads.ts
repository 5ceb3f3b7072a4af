import { Runs, type ListRunsRequest, type Run, type RunSummary } from "@openagents/contracts";
import { client } from "../api.ts";

export type RunsRead = {
  readonly runs: readonly Run[];
  readonly summaries: ReadonlyMap<string, RunSummary>;
  readonly nextCursor?: string | undefined;
};

/** A page of runs, each with what its projection says of its verdict and money. */
export async function readRuns(request: ListRunsRequest, signal: AbortSignal): Promise<RunsRead> {
  const { runs, nextCursor } = await client(Runs).listRuns(request, { signal });
  const { readSummaries } = await import("./run-summaries.ts");
  const summaries = await readSummaries(
    runs.map(({ runId }) => runId),
    signal,
  );
  return { runs, summaries, nextCursor };
}
