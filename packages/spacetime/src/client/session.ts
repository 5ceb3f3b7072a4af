// One connection to a sync server, as a stream's lane sees it.

import type { StreamEvent } from "@openagents/streams";

export type SyncSession = {
  /** False once it ended; everything that was asked of it has failed then. */
  readonly open: boolean;
  /** Whether the server answered anything after it let the client in. */
  readonly answered: boolean;
  readonly ended: Promise<SessionEnd>;
  /** The stream's last number; 0 when there is no such stream (yet). */
  head(streamId: string): Promise<bigint>;
  /** Events after one number up to another, in order. */
  events(streamId: string, afterSeq: bigint, toSeq: bigint): Promise<readonly StreamEvent[]>;
  /** Have all events after a number delivered, those that exist first. */
  subscribe(streamId: string, afterSeq: bigint, listener: SubscriptionListener): Subscription;
  end(reason: string): void;
};

export type SubscriptionListener = {
  events(events: readonly StreamEvent[]): void;
  /** The server ended an applied subscription by itself. */
  refused(refusal: SyncRefusal): void;
};

export type Subscription = {
  /** Rejects with `SyncRefusal` or `SessionLost`. */
  readonly applied: Promise<void>;
  close(): void;
};

/** Why a session is over, for people to read. */
export type SessionEnd = { readonly reason: string };

/** What was asked died with its session. */
export class SessionLost extends Error {
  override readonly name = "SessionLost";
}

/** The server said no. Its text begins with a code; what follows it is for people, or JSON. */
export class SyncRefusal extends Error {
  override readonly name = "SyncRefusal";
  readonly code: string;

  constructor(text: string) {
    super(text);
    this.code = /^[a-z][a-z0-9_]*/.exec(text)?.[0] ?? "refused";
  }
}
