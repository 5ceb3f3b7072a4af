// One query that a session is subscribed to, and what of it the client has.

import type { Query } from "../protocol/index.ts";
import type { Feed, Follower, Piece } from "./feed.ts";
import type { EventsQuery } from "./read-events.ts";
import { headRow, tableChange } from "./rows.ts";
import { SEQ_MAX, type StreamHead } from "./stream-store.ts";

/** What is to be sent next: a piece, nothing, or what must be read first. */
export type Next = Piece | "nothing" | "behind";

export interface Part {
  readonly query: Query;
  readonly querySetId: number;
  next(): Next;
  /** That a piece was handed over. */
  took(piece: Piece): void;
}

export type OnMoved = (part: Part) => void;

export class EventsPart implements Part, Follower {
  readonly query: EventsQuery;
  readonly querySetId: number;
  /** Whose the stream must be; absent: the token names this one. */
  readonly tenant: string | undefined;
  cursor: bigint;
  feed: Feed | undefined;
  private readonly onMoved: OnMoved;

  constructor(
    query: EventsQuery,
    querySetId: number,
    cursor: bigint,
    tenant: string | undefined,
    onMoved: OnMoved,
  ) {
    this.query = query;
    this.querySetId = querySetId;
    this.cursor = cursor;
    this.tenant = tenant;
    this.onMoved = onMoved;
  }

  get isOver(): boolean {
    return this.cursor >= this.throughSeq;
  }

  moved(): void {
    this.onMoved(this);
  }

  next(): Next {
    const { feed } = this;
    if (feed === undefined || this.isOver || this.cursor >= feed.headSeq) return "nothing";
    return feed.covers(this.cursor) ? feed.pieceAfter(this.cursor, this.throughSeq) : "behind";
  }

  took(piece: Piece): void {
    this.cursor = piece.throughSeq;
  }

  get throughSeq(): bigint {
    return this.query.throughSeq ?? SEQ_MAX;
  }
}

export class HeadPart implements Part, Follower {
  readonly query: Extract<Query, { table: "stream_head" }>;
  readonly querySetId: number;
  readonly tenant: string | undefined;
  cursor: bigint;
  feed: Feed | undefined;
  /** The row that the client has. */
  held: Uint8Array | undefined;
  private upcoming: Uint8Array | undefined;
  private readonly onMoved: OnMoved;

  constructor(
    query: Extract<Query, { table: "stream_head" }>,
    querySetId: number,
    head: StreamHead | undefined,
    tenant: string | undefined,
    onMoved: OnMoved,
  ) {
    this.query = query;
    this.querySetId = querySetId;
    this.cursor = head?.headSeq ?? 0n;
    this.held = head === undefined ? undefined : headRow(head);
    this.tenant = tenant;
    this.onMoved = onMoved;
  }

  moved(): void {
    this.onMoved(this);
  }

  next(): Next {
    const { feed } = this;
    if (feed === undefined || feed.headSeq <= this.cursor) return "nothing";
    this.upcoming = feed.headRow();
    return changePiece("stream_head", this.held, this.upcoming, feed.headSeq);
  }

  took(piece: Piece): void {
    this.cursor = piece.throughSeq;
    this.held = this.upcoming;
  }
}

/** Rows of a small table under one key, such as a client's checkpoints: each time compared with what the client has. */
export class RowsPart implements Part {
  readonly query: Extract<
    Query,
    { table: "stream_checkpoint" | "active_connection" | "nostr_presence_claim" }
  >;
  readonly querySetId: number;
  /** By their primary key. */
  held: ReadonlyMap<string, Uint8Array> = new Map();
  private current: ReadonlyMap<string, Uint8Array> = new Map();

  constructor(query: RowsPart["query"], querySetId: number) {
    this.query = query;
    this.querySetId = querySetId;
  }

  /** What the rows are now. */
  set(rows: ReadonlyMap<string, Uint8Array>): void {
    this.current = rows;
  }

  next(): Next {
    const inserts = [...this.current].filter(([key, row]) => !isSame(this.held.get(key), row));
    const deletes = [...this.held].filter(([key, row]) => !isSame(this.current.get(key), row));
    if (inserts.length === 0 && deletes.length === 0) return "nothing";
    const change = tableChange(this.query.table, inserts.map(rowOf), deletes.map(rowOf));
    return { throughSeq: 0n, events: 0, change, frames: new Map() };
  }

  took(): void {
    this.held = this.current;
  }
}

function changePiece(
  table: "stream_head",
  old: Uint8Array | undefined,
  now: Uint8Array,
  throughSeq: bigint,
): Piece {
  const change = tableChange(table, [now], old === undefined ? [] : [old]);
  return { throughSeq, events: 0, change, frames: new Map() };
}

function rowOf([, row]: readonly [string, Uint8Array]): Uint8Array {
  return row;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
