// Waits for new events of a stream, whichever process commits them.

import type { Database } from "@openagents/postgres";
import { STREAMS_CHANNEL } from "./announcer.ts";

export type Follower = AsyncDisposable & {
  /**
   * Resolves when the stream may have new events: it was announced, announcements
   * may have been lost, or a second has passed. Ask before looking, and wait after
   * it: what commits between is then announced to whoever waits.
   */
  mayHaveChanged(streamId: string): Promise<void>;
  /** Be told of all streams that are announced; answers what ends that. Lost announcements are not made up for. */
  onChange(handler: (streamIds: readonly string[]) => void): () => void;
  /** Let go of whoever waits, and of all who would. */
  release(): void;
  /** True once it was released: nobody should wait any more. */
  readonly closed: boolean;
};

/** A lost announcement costs no more than this. */
const LOOK_EVERY_MS = 1_000;

export async function openFollower(db: Database): Promise<Follower> {
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const handlers = new Set<(streamIds: readonly string[]) => void>();
  let closed = false;

  function wake(streamId: string): void {
    waiting.get(streamId)?.resolve();
    waiting.delete(streamId);
  }
  function wakeAll(): void {
    for (const streamId of waiting.keys()) wake(streamId);
  }

  function release(): void {
    closed = true;
    wakeAll();
  }

  const listener = await db.listen(STREAMS_CHANNEL, (payload) => {
    if (payload === "") {
      wakeAll();
      return;
    }
    const streamIds = payload.split("\n");
    for (const streamId of streamIds) wake(streamId);
    for (const handler of handlers) handler(streamIds);
  });
  const timer = setInterval(wakeAll, LOOK_EVERY_MS);

  return {
    mayHaveChanged(streamId) {
      if (closed) return Promise.resolve();
      const known = waiting.get(streamId);
      if (known !== undefined) return known.promise;
      const waiter = Promise.withResolvers<void>();
      waiting.set(streamId, waiter);
      return waiter.promise;
    },
    onChange(handler) {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    get closed() {
      return closed;
    },
    release,
    async [Symbol.asyncDispose]() {
      release();
      clearInterval(timer);
      await listener.close();
    },
  };
}
