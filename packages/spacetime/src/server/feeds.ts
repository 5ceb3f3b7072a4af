// All streams that somebody follows here, kept up to date: woken by
// notifications, and by a look at the heads every second, so that a lost
// notification costs time only.

import type { Logger } from "@openagents/service";
import { streamId as nameStream } from "@openagents/streams";
import { Feed, type Follower } from "./feed.ts";
import type { StoredEvent, StreamStore } from "./stream-store.ts";

const LOOK_MS = 1_000;

/** Streams of one read. */
const STREAMS_MAX = 500;

/** Events of one read, so that a backlog does not fill the memory. */
const EVENTS_MAX = 20_000;

const REVOCATIONS = nameStream("revocations");

export type Feeds = AsyncDisposable & {
  /** Follow a stream from the follower's cursor on. */
  follow(streamId: string, follower: Follower): Feed;
  unfollow(feed: Feed, follower: Follower): void;
  /** Be told of every event behind a number, before anything else is delivered. */
  watch(streamId: string, afterSeq: bigint, onEvent: (event: StoredEvent) => void): void;
  /** Told after each round of deliveries. */
  onRound(listener: () => void): void;
  /** When all heads were last compared with the database. */
  readonly lookedAtMs: number;
  /** Events of the stream that is most behind. */
  readonly lagMax: number;
  readonly size: number;
  /** The streams that are followed, those first that are most behind. */
  lags(limit: number): StreamLag[];
};

export type StreamLag = {
  readonly streamId: string;
  readonly followers: number;
  readonly headSeq: bigint;
  /** Events that the follower who is most behind has not got. */
  readonly lag: bigint;
};

export type FeedsDeps = {
  readonly store: StreamStore;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly recentMax: number;
};

export async function startFeeds(deps: FeedsDeps): Promise<Feeds> {
  const { store, log, nowMs } = deps;
  const feeds = new Map<string, Feed>();
  const dirty = new Set<Feed>();
  const rounds: (() => void)[] = [];
  let running: Promise<void> | undefined;
  /** Somebody called while the last batch was just done, and would wait for the next look. */
  let called = false;
  let looking: Promise<void> | undefined;
  let stopped = false;
  let lookedAtMs = nowMs();
  let lagMax = 0;

  function wake(): void {
    called = running !== undefined;
    if (called || stopped || dirty.size === 0) return;
    running = readDirty().finally(() => {
      running = undefined;
      if (called) wake();
    });
  }

  async function readDirty(): Promise<void> {
    const failed: Feed[] = [];
    while (dirty.size > 0 && !stopped) {
      const batch = takeBatch();
      try {
        await readBatch(batch);
      } catch (error) {
        // Streams in another database may still be read.
        failed.push(...batch);
        log.warn({ err: error }, "streams could not be read; the next look tries again");
      }
    }
    for (const feed of failed) if (feeds.get(feed.streamId) === feed) dirty.add(feed);
  }

  /** Of one owner, and so from one database. */
  function takeBatch(): Feed[] {
    const revocations = feeds.get(REVOCATIONS);
    // Before all others and alone: nothing new is delivered to whom a revocation here ends.
    const batch = revocations !== undefined && dirty.has(revocations) ? [revocations] : firstOfOneOwner();
    for (const feed of batch) dirty.delete(feed);
    return batch;
  }

  function firstOfOneOwner(): Feed[] {
    const batch: Feed[] = [];
    for (const feed of dirty) {
      if (batch.length === STREAMS_MAX) break;
      if (feed.owner === (batch[0] ?? feed).owner) batch.push(feed);
    }
    return batch;
  }

  async function readBatch(batch: readonly Feed[]): Promise<void> {
    const limit = Math.max(20, Math.floor(EVENTS_MAX / batch.length));
    const after = batch.map((feed) => ({ streamId: feed.streamId, seq: feed.headSeq }));
    const owner = batch[0]?.owner ?? "runtime";
    const events = await store.listEventsOfAll(owner, after, limit);
    const byStream = new Map<string, StoredEvent[]>();
    for (const event of events) {
      const known = byStream.get(event.streamId);
      if (known === undefined) byStream.set(event.streamId, [event]);
      else known.push(event);
    }
    const moved = batch.filter((feed) => byStream.has(feed.streamId));
    await findTenants(moved.filter((feed) => feed.tenant === undefined));
    for (const feed of moved) {
      const news = byStream.get(feed.streamId) ?? [];
      for (const event of news) feed.append(event);
      if (news.length === limit) dirty.add(feed);
      feed.announce();
    }
    for (const listener of rounds) listener();
    for (const feed of moved) feed.forget();
  }

  async function findTenants(unknown: readonly Feed[]): Promise<void> {
    if (unknown.length === 0) return;
    const heads = await store.listHeads(unknown.map(({ streamId }) => streamId));
    for (const head of heads) {
      const feed = feeds.get(head.streamId);
      if (feed !== undefined) feed.tenant = head.tenant;
    }
  }

  /** Compare every head with the database's. */
  function look(): void {
    looking ??= compareHeads()
      .catch((error: unknown) => log.warn({ err: error }, "the heads of streams could not be read"))
      .finally(() => {
        looking = undefined;
      });
  }

  async function compareHeads(): Promise<void> {
    const startedAtMs = nowMs();
    const byOwner = Map.groupBy(feeds.values(), (feed) => feed.owner);
    const compared = await Promise.allSettled(
      [...byOwner.values()].map((some) => compareHeadsOf(some.map(({ streamId }) => streamId))),
    );
    wake();
    const failed = compared.find((each) => each.status === "rejected");
    // What can be read is delivered; but whoever does not hear of revocations lets nobody in.
    if (failed !== undefined) throw failed.reason;
    lagMax = Math.max(0, ...compared.map((each) => (each.status === "fulfilled" ? each.value : 0)));
    lookedAtMs = startedAtMs;
  }

  /** Answers how many events the stream is behind that is most behind. */
  async function compareHeadsOf(ids: readonly string[]): Promise<number> {
    let lag = 0;
    for (let start = 0; start < ids.length; start += STREAMS_MAX) {
      for (const head of await store.listHeads(ids.slice(start, start + STREAMS_MAX))) {
        const feed = feeds.get(head.streamId);
        if (feed === undefined) continue;
        feed.tenant = head.tenant;
        feed.committedSeq = head.headSeq;
        if (head.headSeq <= feed.headSeq) continue;
        lag = Math.max(lag, Number(head.headSeq - feed.headSeq));
        dirty.add(feed);
      }
    }
    return lag;
  }

  function heard(payload: string): void {
    // Nothing is known of what was said while the connection was away.
    if (payload === "") return look();
    for (const id of payload.split("\n")) {
      const feed = feeds.get(id);
      if (feed !== undefined) dirty.add(feed);
    }
    wake();
  }

  const listener = await store.listen(heard);
  const timer = setInterval(look, LOOK_MS);

  function feedOf(streamId: string, seq: bigint): Feed {
    const known = feeds.get(streamId);
    if (known !== undefined) return known;
    const feed = new Feed(streamId, seq, deps.recentMax);
    feeds.set(streamId, feed);
    return feed;
  }

  return {
    follow(streamId, follower) {
      const feed = feedOf(streamId, follower.cursor);
      feed.followers.add(follower);
      // What was committed since the follower's cursor was read.
      dirty.add(feed);
      wake();
      return feed;
    },
    unfollow(feed, follower) {
      feed.followers.delete(follower);
      if (feed.followers.size > 0 || feed.onEvent !== undefined) return;
      dirty.delete(feed);
      if (feeds.get(feed.streamId) === feed) feeds.delete(feed.streamId);
    },
    watch(streamId, afterSeq, onEvent) {
      const feed = feedOf(streamId, afterSeq);
      feed.onEvent = onEvent;
      dirty.add(feed);
      wake();
    },
    onRound: (listener_) => void rounds.push(listener_),
    get lookedAtMs() {
      return lookedAtMs;
    },
    get lagMax() {
      return lagMax;
    },
    get size() {
      return feeds.size;
    },
    lags(limit) {
      const followed = [...feeds.values()].filter((feed) => feed.followers.size > 0);
      return followed
        .map((feed) => ({
          streamId: feed.streamId,
          followers: feed.followers.size,
          headSeq: feed.committedSeq,
          lag: feed.lag,
        }))
        .toSorted((a, b) => Number(b.lag - a.lag) || (a.streamId < b.streamId ? -1 : 1))
        .slice(0, limit);
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      clearInterval(timer);
      await listener[Symbol.asyncDispose]();
      await running;
      await looking;
    },
  };
}
