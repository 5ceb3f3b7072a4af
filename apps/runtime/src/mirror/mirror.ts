// Hands streams to a SpacetimeDB server, where one is configured in place of our
// own sync server. The streams' table is the outbox: what was committed is handed
// over in the end, whatever happens between.
//
// MIR-1  Events of a stream arrive in order and without a gap; the server refuses what would leave one.
// MIR-2  A stream that is refused waits by itself; no other waits for it.
// MIR-3  Nothing that a command does waits for this, or fails with it.
// Held by tests/mirror.pg.test.ts.

import type { Follower } from "@openagents/authority";
import type { Database } from "@openagents/postgres";
import type { Logger } from "@openagents/service";
import type { SpacetimeSettings } from "../config.ts";
import { appendEvent, FAILURES, type Failure } from "./append-event.ts";
import { findProgress, listEventsAfter, listProgress, setCursor, type Progress } from "./store.ts";

export type MirrorDeps = {
  readonly db: Database;
  readonly settings: SpacetimeSettings;
  readonly follower: Pick<Follower, "onChange">;
  readonly log: Logger;
  readonly nowMs: () => number;
};

export type MirrorStats = {
  readonly appendedTotal: number;
  readonly failedTotal: Readonly<Record<Failure, number>>;
  /** Events that are committed and not handed over, by the last look at all streams. */
  readonly behind: number;
  /** Streams that are refused, and wait. */
  readonly waiting: number;
};

export type Mirror = AsyncDisposable & { readonly stats: MirrorStats };

/** Streams that are handed over at the same time. */
const STREAMS_AT_ONCE = 8;
const EVENTS_PAGE = 200;
const STREAMS_PAGE = 500;
/** All streams are looked at so often, for what no announcement told of. */
const LOOK_EVERY_MS = 10_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 60_000;

type Waiting = { readonly attempts: number; readonly untilMs: number };

export function startMirror(deps: MirrorDeps): Mirror {
  const { db, settings, log, nowMs } = deps;
  const stopped = new AbortController();
  const due = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Waiting>();
  let appendedTotal = 0;
  let behind = 0;
  const failedTotal = Object.fromEntries(FAILURES.map((failure) => [failure, 0])) as Record<Failure, number>;

  function take(streamIds: Iterable<string>): void {
    for (const id of streamIds) due.add(id);
    while (running.size < STREAMS_AT_ONCE && !stopped.signal.aborted) {
      const next = nextDue();
      if (next === undefined) return;
      const handing = handOver(next)
        .catch((error: unknown) => log.warn({ err: error, stream_id: next }, "a stream was not handed over"))
        .finally(() => {
          running.delete(next);
          take([]);
        });
      running.set(next, handing);
    }
  }

  function nextDue(): string | undefined {
    for (const id of due) {
      if (running.has(id) || (waiting.get(id)?.untilMs ?? 0) > nowMs()) continue;
      due.delete(id);
      return id;
    }
    return undefined;
  }

  async function handOver(streamId: string): Promise<void> {
    const [progress] = await findProgress(db, [streamId]);
    if (progress === undefined) return;
    let seq = progress.mirroredSeq;
    while (!stopped.signal.aborted) {
      const events = await listEventsAfter(db, streamId, seq, EVENTS_PAGE);
      if (events.length === 0) break;
      for (const event of events) {
        const answer = await appendEvent(settings, event, stopped.signal);
        if (stopped.signal.aborted) return;
        if (answer.kind === "failed") {
          await setCursor(db, streamId, seq, nowMs());
          wait(streamId, answer.failure, answer.detail);
          return;
        }
        if (answer.kind === "conflict") {
          if (answer.nextSeq >= event.seq) {
            // Its number is taken by something that is not ours, and skipping would hide that.
            wait(streamId, "rejected", `it has another event ${event.seq} of this stream`);
            return;
          }
          // It lost what it had: go back to there.
          seq = answer.nextSeq - 1n;
          break;
        }
        seq = event.seq;
        appendedTotal += 1;
      }
      await setCursor(db, streamId, seq, nowMs());
    }
    waiting.delete(streamId);
  }

  function wait(streamId: string, failure: Failure, detail: string): void {
    failedTotal[failure] += 1;
    const attempts = (waiting.get(streamId)?.attempts ?? 0) + 1;
    const afterMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (attempts - 1));
    waiting.set(streamId, { attempts, untilMs: nowMs() + afterMs });
    due.add(streamId);
    log.warn(
      { stream_id: streamId, failure, detail, retry_after_ms: afterMs },
      "SpacetimeDB refused an event",
    );
  }

  async function lookAtAll(): Promise<void> {
    let after = "";
    let found = 0;
    for (;;) {
      const page = await listProgress(db, after, STREAMS_PAGE);
      const late = page.filter(isBehind);
      found += late.reduce((sum, each) => sum + Number(each.headSeq - each.mirroredSeq), 0);
      take(late.map(({ streamId }) => streamId));
      const last = page.at(-1);
      if (last === undefined || page.length < STREAMS_PAGE || stopped.signal.aborted) break;
      after = last.streamId;
    }
    behind = found;
  }

  let looking: Promise<void> = Promise.resolve();
  const look = () => {
    looking = lookAtAll().catch((error: unknown) => log.warn({ err: error }, "streams were not looked at"));
  };
  look();
  const looks = setInterval(look, LOOK_EVERY_MS);
  const retries = setInterval(() => take([]), RETRY_MS_MIN);
  const unhear = deps.follower.onChange((streamIds) => take(streamIds));

  return {
    stats: {
      get appendedTotal() {
        return appendedTotal;
      },
      get failedTotal() {
        return { ...failedTotal };
      },
      get behind() {
        return behind;
      },
      get waiting() {
        return waiting.size;
      },
    },
    async [Symbol.asyncDispose]() {
      unhear();
      clearInterval(looks);
      clearInterval(retries);
      stopped.abort();
      await looking;
      await Promise.all(running.values());
    },
  };
}

function isBehind({ mirroredSeq, headSeq }: Progress): boolean {
  return headSeq > mirroredSeq;
}
