// Reading a run's log through the runs that it was forked from. Their events are
// shared and not copied, so that a fork of a long log costs no more than of a short one.

import type { Queryable } from "@openagents/postgres";
import type { Run, RunEvent } from "./run.ts";
import { findRun, listEvents } from "./store.ts";

/**
 * In order, those after `afterSeq` up to `throughSeq`, from the run that has the
 * next one; fewer than `limit` when they are large, and at the end of each run's part.
 */
export async function listLineage(
  q: Queryable,
  run: Run,
  afterSeq: bigint,
  throughSeq: bigint,
  limit: number,
): Promise<RunEvent[]> {
  let holder = run;
  let through = throughSeq;
  while (holder.fork !== undefined && afterSeq < holder.fork.seq) {
    const { fromRunId, seq } = holder.fork;
    const from = await findRun(q, holder.org, fromRunId);
    if (from === undefined) throw new Error(`${fromRunId}, which ${holder.runId} was forked from, is gone`);
    if (seq < through) through = seq;
    holder = from;
  }
  return listEvents(q, holder.runId, afterSeq, through, limit);
}
