// The live end of one stream: its newest events, and who follows it. Pure: no
// database, no socket.
//
// FEED-1  A follower gets every event behind its cursor, in order, once: what it
//         gets begins at `cursor + 1`, or it is told to catch up first.
// FEED-2  What is kept is bounded, however far a follower stays behind.
// Held by feed.test.ts.

import { ownerOf, type StreamOwner } from "@openagents/streams";
import { headRow, eventRow, tableChange } from "./rows.ts";
import type { StoredEvent } from "./stream-store.ts";

export interface Follower {
  /** Number of the last event that it got. */
  readonly cursor: bigint;
  /** The stream has moved. */
  moved(): void;
}

/** Events one behind another, ready to be sent. */
export type Piece = {
  readonly throughSeq: bigint;
  readonly events: number;
  /** A change of the table `sync_event`. */
  readonly change: Uint8Array;
  /** Whole frames of it alone, by who they are for: most sessions get the same bytes. */
  readonly frames: Map<string, Uint8Array>;
};

function pieceOf(afterSeq: bigint, rows: readonly Uint8Array[]): Piece {
  return {
    throughSeq: afterSeq + BigInt(rows.length),
    events: rows.length,
    change: tableChange("sync_event", rows, []),
    frames: new Map(),
  };
}

/** Bytes of one piece, so that no single message delays others for long. */
const PIECE_BYTES_MAX = 256 * 1024;

/** Rows behind a number, in pieces of no more than a message should have. */
export function* piecesOf(afterSeq: bigint, rows: readonly Uint8Array[]): Generator<Piece> {
  let start = 0;
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    bytes += row.length;
    if (bytes < PIECE_BYTES_MAX && index < rows.length - 1) continue;
    yield pieceOf(afterSeq + BigInt(start), rows.slice(start, index + 1));
    start = index + 1;
    bytes = 0;
  }
}

const RECENT_BYTES_MAX = 2 * 1024 * 1024;

export class Feed {
  readonly streamId: string;
  /** Whose database it is read from. */
  readonly owner: StreamOwner;
  readonly followers = new Set<Follower>();
  /** Told of each event before any follower gets it. */
  onEvent: ((event: StoredEvent) => void) | undefined;
  /** Whose the stream is; undefined until it has an event. */
  tenant: string | undefined;
  /** Number of the newest event here. */
  headSeq: bigint;
  /** Number of the newest event in the database, as far as is known. */
  committedSeq: bigint;
  updatedAtMs = 0n;
  private recent: Uint8Array[] = [];
  private recentBytes = 0;
  private readonly recentMax: number;
  /** The last piece: followers mostly are at the same place. */
  private shared: { readonly afterSeq: bigint; readonly headSeq: bigint; readonly piece: Piece } | undefined;

  constructor(streamId: string, headSeq: bigint, recentMax: number) {
    this.streamId = streamId;
    this.owner = ownerOf(streamId);
    this.headSeq = headSeq;
    this.committedSeq = headSeq;
    this.recentMax = recentMax;
  }

  /** Take the next event. Throws when it is not the next one. */
  append(event: StoredEvent): void {
    if (event.seq !== this.headSeq + 1n) {
      throw new Error(`${this.streamId}: event ${event.seq} came behind ${this.headSeq}`);
    }
    this.onEvent?.(event);
    const row = eventRow(this.streamId, event);
    this.headSeq = event.seq;
    if (event.seq > this.committedSeq) this.committedSeq = event.seq;
    this.updatedAtMs = event.committedAtMs;
    this.recent.push(row);
    this.recentBytes += row.length;
  }

  /** Events that are committed, and that the follower who is most behind has not got. */
  get lag(): bigint {
    let slowest = this.headSeq;
    for (const { cursor } of this.followers) if (cursor < slowest) slowest = cursor;
    return this.committedSeq - slowest;
  }

  /** Tell all followers that there is more, or again. */
  announce(): void {
    for (const follower of this.followers) follower.moved();
  }

  /** Let go of what all have, and of the oldest where it is too much. */
  forget(): void {
    let slowest = this.headSeq;
    for (const { cursor } of this.followers) if (cursor < slowest) slowest = cursor;
    let count = Math.max(Number(slowest - this.firstSeq) + 1, this.recent.length - this.recentMax, 0);
    for (const row of this.recent.slice(0, count)) this.recentBytes -= row.length;
    while (this.recentBytes > RECENT_BYTES_MAX) {
      this.recentBytes -= this.recent[count]?.length ?? 0;
      count += 1;
    }
    this.recent.splice(0, count);
    this.shared = undefined;
  }

  /** Whether all events behind a number are still here. */
  covers(afterSeq: bigint): boolean {
    return afterSeq + 1n >= this.firstSeq;
  }

  /** The next events behind a number, up to and with another. Only for what is covered and behind the head. */
  pieceAfter(afterSeq: bigint, throughSeq: bigint): Piece {
    const { shared } = this;
    const whole = throughSeq >= this.headSeq;
    if (whole && shared?.afterSeq === afterSeq && shared.headSeq === this.headSeq) return shared.piece;
    const start = Number(afterSeq + 1n - this.firstSeq);
    const last = whole ? this.recent.length : start + Number(throughSeq - afterSeq);
    let end = start;
    let bytes = 0;
    while (end < last && bytes < PIECE_BYTES_MAX) {
      bytes += this.recent[end]?.length ?? 0;
      end += 1;
    }
    const piece = pieceOf(afterSeq, this.recent.slice(start, end));
    if (whole) this.shared = { afterSeq, headSeq: this.headSeq, piece };
    return piece;
  }

  headRow(): Uint8Array {
    return headRow(this);
  }

  private get firstSeq(): bigint {
    return this.headSeq - BigInt(this.recent.length) + 1n;
  }
}
