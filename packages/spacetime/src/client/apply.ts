// What a client does with what it hears of one stream. Pure: no clock, no
// network, no storage; `stream-lane.ts` does what is decided here.
//
// A-1  The cursor moves by one, over the event that it waits for, or to a snapshot. It never goes back.
// A-2  An event is applied only when it is the next one and its payload has the hash that came with it.
// A-3  Nothing is applied over what was not seen: a gap asks for a replay from the cursor.
// A-4  What was applied before is dropped, however often and in whatever order it comes again.
// A-5  Only a snapshot leads past the floor, and only from `stale`.
// A-6  `stopped` is the end.
// A-7  The chain is that of exactly the events up to the cursor.
//
// Held by apply.test.ts.

import { CHAIN_START, chainStream, hashPayload, type StreamEvent } from "@openagents/streams";

/** Where a client stands in a stream. */
export type Cursor = {
  /** The last event that is applied; 0 before the first. */
  readonly seq: bigint;
  /** The chain of the payload hashes up to it. */
  readonly chainHash: string;
  /** The chain up to here was taken over with a snapshot; after it, it is this client's own sum. */
  readonly baseSeq: bigint;
};

export const CURSOR_START: Cursor = { seq: 0n, chainHash: CHAIN_START, baseSeq: 0n };

/**
 * `detached`: without a session. `replaying`: reads what it missed by bounded
 * queries. `live`: a subscription delivers. `stale`: what it would need next is
 * not kept any more; a snapshot is read. `failed`: visibly, until it is tried again.
 */
export type Phase = "detached" | "replaying" | "live" | "stale" | "failed" | "stopped";

export type Input =
  /** There is a session, or there is none any more. */
  | "attached"
  | "detached"
  /** What an event is to the cursor: see `classify`. */
  | "next"
  | "duplicate"
  | "gap"
  | "corrupt"
  /** Nothing is missing and the subscription is applied. */
  | "caught_up"
  /** More exists than was delivered: a silent subscription, or more than the inbox holds. */
  | "behind"
  | "below_floor"
  | "snapshot"
  /** The server, the handler or a store said no. */
  | "refused"
  | "retry"
  | "stop";

export type Effect =
  | "none"
  | "attach"
  | "replay"
  | "apply"
  | "drop"
  | "read_snapshot"
  | "install"
  /** Tell the holder of the client, and try again later. */
  | "report";

export type Transition = readonly [next: Phase, effect: Effect];

const ENDED: Readonly<Record<Input, Transition>> = {
  attached: ["stopped", "none"],
  detached: ["stopped", "none"],
  next: ["stopped", "drop"],
  duplicate: ["stopped", "drop"],
  gap: ["stopped", "drop"],
  corrupt: ["stopped", "drop"],
  caught_up: ["stopped", "none"],
  behind: ["stopped", "none"],
  below_floor: ["stopped", "none"],
  snapshot: ["stopped", "drop"],
  refused: ["stopped", "none"],
  retry: ["stopped", "none"],
  stop: ["stopped", "none"],
};

/** Every input in every phase. What comes late, from a session or a read that is over, changes nothing. */
export const TRANSITIONS: Readonly<Record<Phase, Readonly<Record<Input, Transition>>>> = {
  detached: {
    attached: ["replaying", "replay"],
    detached: ["detached", "none"],
    next: ["detached", "drop"],
    duplicate: ["detached", "drop"],
    gap: ["detached", "drop"],
    corrupt: ["detached", "drop"],
    caught_up: ["detached", "none"],
    behind: ["detached", "none"],
    below_floor: ["detached", "none"],
    snapshot: ["detached", "drop"],
    refused: ["failed", "report"],
    retry: ["detached", "none"],
    stop: ["stopped", "none"],
  },
  replaying: {
    attached: ["replaying", "none"],
    detached: ["detached", "attach"],
    next: ["replaying", "apply"],
    duplicate: ["replaying", "drop"],
    gap: ["replaying", "replay"],
    corrupt: ["failed", "report"],
    caught_up: ["live", "none"],
    behind: ["replaying", "replay"],
    below_floor: ["stale", "read_snapshot"],
    snapshot: ["replaying", "drop"],
    refused: ["failed", "report"],
    retry: ["replaying", "none"],
    stop: ["stopped", "none"],
  },
  live: {
    attached: ["live", "none"],
    detached: ["detached", "attach"],
    next: ["live", "apply"],
    duplicate: ["live", "drop"],
    gap: ["replaying", "replay"],
    corrupt: ["failed", "report"],
    caught_up: ["live", "none"],
    behind: ["replaying", "replay"],
    below_floor: ["stale", "read_snapshot"],
    snapshot: ["live", "drop"],
    refused: ["failed", "report"],
    retry: ["live", "none"],
    stop: ["stopped", "none"],
  },
  stale: {
    attached: ["stale", "none"],
    // The snapshot comes over HTTP and needs no session.
    detached: ["stale", "none"],
    next: ["stale", "drop"],
    duplicate: ["stale", "drop"],
    gap: ["stale", "drop"],
    corrupt: ["stale", "drop"],
    caught_up: ["stale", "none"],
    behind: ["stale", "none"],
    below_floor: ["stale", "none"],
    snapshot: ["detached", "install"],
    refused: ["failed", "report"],
    retry: ["stale", "none"],
    stop: ["stopped", "none"],
  },
  failed: {
    attached: ["failed", "none"],
    // A failure stays visible while the connection comes and goes.
    detached: ["failed", "none"],
    next: ["failed", "drop"],
    duplicate: ["failed", "drop"],
    gap: ["failed", "drop"],
    corrupt: ["failed", "drop"],
    caught_up: ["failed", "none"],
    behind: ["failed", "none"],
    below_floor: ["failed", "none"],
    snapshot: ["failed", "drop"],
    refused: ["failed", "none"],
    retry: ["detached", "attach"],
    stop: ["stopped", "none"],
  },
  stopped: ENDED,
};

/**
 * What an event is to a cursor. Looked at in this order, because what is not
 * applied need not be believed: known already, too far ahead, not what its hash
 * says (or of another stream), the next one.
 */
export function classify(
  streamId: string,
  cursor: Cursor,
  event: StreamEvent,
): "duplicate" | "gap" | "corrupt" | "next" {
  if (event.streamId !== streamId) return "corrupt";
  if (event.seq <= cursor.seq) return "duplicate";
  if (event.seq !== cursor.seq + 1n) return "gap";
  return hashPayload(event.payload) === event.payloadHash ? "next" : "corrupt";
}

/** The cursor after the event that it waited for. */
export function advance(cursor: Cursor, event: StreamEvent): Cursor {
  const { seq, payloadHash } = event;
  return { seq, chainHash: chainStream(cursor.chainHash, seq, payloadHash), baseSeq: cursor.baseSeq };
}

/** The cursor at a snapshot. Undefined for one that lies behind, which would undo what is applied. */
export function installAt(cursor: Cursor, seq: bigint, chainHash: string): Cursor | undefined {
  return seq < cursor.seq ? undefined : { seq, chainHash, baseSeq: seq };
}

export type Batch = {
  /** To be applied together, in this order. */
  readonly events: readonly StreamEvent[];
  /** Where the stream stands when they are. */
  readonly cursor: Cursor;
  readonly duplicates: number;
  /** Why what followed was not taken. What lies behind it is dropped: a replay brings it again. */
  readonly end: "gap" | "corrupt" | undefined;
  /** The event at which it ended. */
  readonly endSeq: bigint | undefined;
};

/** The longest run of events that may be applied from here, out of what was delivered. */
export function takeBatch(streamId: string, start: Cursor, delivered: readonly StreamEvent[]): Batch {
  const events: StreamEvent[] = [];
  let cursor = start;
  let duplicates = 0;
  for (const event of delivered) {
    const kind = classify(streamId, cursor, event);
    if (kind === "duplicate") duplicates += 1;
    else if (kind === "next") {
      events.push(event);
      cursor = advance(cursor, event);
    } else return { events, cursor, duplicates, end: kind, endSeq: event.seq };
  }
  return { events, cursor, duplicates, end: undefined, endSeq: undefined };
}
