// The live end of one stream: a subscription, and what it delivered that nobody
// has applied yet.

import type { StreamEvent } from "@openagents/streams";
import { createInbox } from "./inbox.ts";
import type { Subscription, SyncRefusal, SyncSession } from "./session.ts";

export type Feed = {
  /** The session that delivers. */
  readonly session: SyncSession | undefined;
  /** Events that wait. */
  readonly size: number;
  /** More came than is kept. */
  readonly overflowed: boolean;
  /** Why the server ended the subscription by itself. */
  readonly refusal: SyncRefusal | undefined;
  take(max: number): readonly StreamEvent[];
  /** Have it delivered by this session; the old one goes on until it is. Rejects with `SyncRefusal` or `SessionLost`. */
  open(session: SyncSession, afterSeq: bigint): Promise<void>;
  /** Forget what waits, for a replay brings it again. */
  clear(): void;
  close(): void;
};

/** `news` is called when there is something to look at. */
export function createFeed(streamId: string, news: () => void): Feed {
  const inbox = createInbox();
  let current: { readonly session: SyncSession; readonly subscription: Subscription } | undefined;
  let refusal: SyncRefusal | undefined;

  return {
    get session() {
      return current?.session;
    },
    get size() {
      return inbox.size;
    },
    get overflowed() {
      return inbox.overflowed;
    },
    get refusal() {
      return refusal;
    },
    take: (max) => inbox.take(max),
    async open(session, afterSeq) {
      const subscription = session.subscribe(streamId, afterSeq, {
        events(events) {
          inbox.put(events);
          news();
        },
        refused(error) {
          if (current?.subscription !== subscription) return;
          refusal = error;
          news();
        },
      });
      try {
        await subscription.applied;
      } catch (error) {
        subscription.close();
        throw error;
      }
      current?.subscription.close();
      current = { session, subscription };
      refusal = undefined;
    },
    clear: () => inbox.clear(),
    close() {
      current?.subscription.close();
      current = undefined;
      refusal = undefined;
      inbox.clear();
    },
  };
}
