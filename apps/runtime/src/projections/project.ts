// Folding a run's events, page by page, from where a projection ends.

import type { Queryable } from "@openagents/postgres";
import { listEvents, type Run } from "../runs/index.ts";
import type { Projection } from "./store.ts";
import { applyEvent, emptySummary, summaryHash } from "./summary.ts";

const PAGE = 500;

/** Before the first event of the run's own; every run has one, from which the head of the chain is taken. */
export function emptyProjection(run: Run): Projection {
  const summary = emptySummary(run);
  return {
    runId: run.runId,
    org: run.org,
    lastSeq: run.fork?.seq ?? 0n,
    chainHash: "",
    summary,
    hash: summaryHash(summary),
    updatedAtMs: run.createdAtMs,
  };
}

/** The projection with the run's events up to `throughSeq` in it. Nothing is written. */
export async function projectOn(q: Queryable, from: Projection, throughSeq: bigint): Promise<Projection> {
  let { lastSeq, chainHash, summary, updatedAtMs } = from;
  while (lastSeq < throughSeq) {
    const events = await listEvents(q, from.runId, lastSeq, throughSeq, PAGE);
    const last = events.at(-1);
    if (last === undefined) throw new Error(`${from.runId} has no event after ${lastSeq}`);
    summary = events.reduce(applyEvent, summary);
    ({ seq: lastSeq, chainHash, recordedAtMs: updatedAtMs } = last);
  }
  return { ...from, lastSeq, chainHash, summary, hash: summaryHash(summary), updatedAtMs };
}
