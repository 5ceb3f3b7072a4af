// A run's events as they come. It ends by itself after some minutes, because the
// token that opened it does; a client goes on behind the last id that it has.

import type { Follower } from "@openagents/authority";
import type { Call, ListRunEventsRequest, LiveEvent } from "@openagents/contracts";
import { encodeText, ProblemError, runEventDesc } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { streamId } from "@openagents/streams";
import { invalidField } from "@openagents/service";
import { listLineage } from "./lineage.ts";
import { isFinished, type Run } from "./run.ts";
import { findRun } from "./store.ts";
import { eventMessage } from "./wire.ts";

export type FollowDeps = { readonly db: Database; readonly follower: Follower; readonly nowMs: () => number };

const PAGE = 200;

/** Whoever shows that it lives at least so often is not taken for dead by what lies between. */
const QUIET_MS = 15_000;

const LASTS_MS = 300_000;

/** Those who follow at once, in one process. */
const FOLLOWING_MAX = 1_000;

/** Undefined when the run is finished and the caller has all of it. */
export function followRun(
  deps: FollowDeps,
): (
  run: Run,
  request: ListRunEventsRequest,
  call: Call,
  lastEventId: string | undefined,
) => AsyncIterable<LiveEvent | undefined> | undefined {
  const following = { count: 0 };
  return (run, request, call, lastEventId) => {
    const afterSeq = afterOf(request, lastEventId);
    if (isFinished(run.status) && afterSeq >= run.latestSeq) return undefined;
    if (following.count >= FOLLOWING_MAX) {
      throw new ProblemError({
        status: 503,
        code: "too_many_followers",
        detail: "Too many clients follow runs at this moment. Read pages, or try again shortly.",
        retryAfterMs: 5_000,
      });
    }
    return counted(eventsOf(deps, run, afterSeq, call.signal), following);
  };
}

async function* eventsOf(
  { db, follower, nowMs }: FollowDeps,
  run: Run,
  afterSeq: bigint,
  signal: AbortSignal,
): AsyncGenerator<LiveEvent | undefined> {
  const stream = streamId("run", run.runId);
  const endsAtMs = nowMs() + LASTS_MS;
  let told = afterSeq;
  let quietSinceMs = nowMs();
  while (!signal.aborted && !follower.closed && nowMs() < endsAtMs) {
    const changed = follower.mayHaveChanged(stream);
    const now = await findRun(db, run.org, run.runId);
    if (now === undefined) return;
    while (told < now.latestSeq && !signal.aborted) {
      for (const event of await listLineage(db, now, told, now.latestSeq, PAGE)) {
        told = event.seq;
        yield {
          id: String(event.seq),
          event: event.eventType,
          data: encodeText(runEventDesc, eventMessage(event)),
        };
      }
      quietSinceMs = nowMs();
    }
    if (isFinished(now.status)) return;
    await changed;
    if (nowMs() - quietSinceMs >= QUIET_MS) {
      quietSinceMs = nowMs();
      yield undefined;
    }
  }
}

/** The header wins: a client that reconnects sends its first request again. */
function afterOf(request: ListRunEventsRequest, lastEventId: string | undefined): bigint {
  if (lastEventId === undefined) return request.afterSeq ?? 0n;
  if (!/^[0-9]{1,18}$/.test(lastEventId))
    throw invalidField(
      "Last-Event-ID",
      "event_id_invalid",
      "It is the number of the last event that was received.",
    );
  return BigInt(lastEventId);
}

/** Counted from its first step on: one that is never taken up is never ended either. */
async function* counted<T>(events: AsyncIterable<T>, following: { count: number }): AsyncGenerator<T> {
  following.count += 1;
  try {
    yield* events;
  } finally {
    following.count -= 1;
  }
}
