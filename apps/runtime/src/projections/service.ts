import type { Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  RebuildProjectionRequest,
  RebuildProjectionResponse,
} from "@openagents/contracts";
import type { Database, Queryable, Write } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { findRun, type Run } from "../runs/index.ts";
import { emptyProjection, projectOn } from "./project.ts";
import { findProjection, markProjected, putProjection, type Projection } from "./store.ts";
import { summaryMessage } from "./wire.ts";

export type ProjectionsDeps = { readonly db: Database; readonly authority: Authority };

export async function requireRun(q: Queryable, org: string, runId: string): Promise<Run> {
  const run = await findRun(q, org, runId);
  if (run === undefined) throw notFound("run", runId);
  return run;
}

/** The stored projection and the events since, as one; nothing is written. */
export async function projectionNow(q: Queryable, run: Run): Promise<Projection> {
  const stored = await findProjection(q, run.org, run.runId);
  // One that is ahead of the log was not made of it.
  const usable = stored !== undefined && stored.lastSeq <= run.latestSeq;
  return projectOn(q, usable ? stored : emptyProjection(run), run.latestSeq);
}

/** The run's projection made again from its first event. */
export function rebuildProjection(
  { authority }: Pick<ProjectionsDeps, "authority">,
  call: CommandCall,
  { runId }: RebuildProjectionRequest,
): Promise<CommandReply> {
  return authority.perform<RebuildProjectionResponse>(call, async (command) => {
    const run = await requireRun(command.tx, call.principal.org, runId);
    const before = await findProjection(command.tx, run.org, runId);
    const made = await projectOn(command.tx, emptyProjection(run), run.latestSeq);
    // Only the same events can be held against each other.
    const previousHash = before?.lastSeq === made.lastSeq ? before.hash : undefined;
    return {
      kind: "answer",
      output: { summary: summaryMessage(made), previousHash },
      writes: writesOf(made, true),
    };
  });
}

export function writesOf(made: Projection, again: boolean): Write[] {
  return [putProjection(made, again), markProjected(made.runId, made.lastSeq)];
}
