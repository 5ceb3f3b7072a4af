// What one session, and the whole server, may hold.

export type Limits = {
  /** Sessions of this server at once. */
  readonly sessions: number;
  /** Sessions of one identity at once. */
  readonly sessionsOfIdentity: number;
  /** Queries that one session is subscribed to at once. */
  readonly queries: number;
  /** Rows that a subscription begins with, or that a query answers. */
  readonly rows: number;
  /** And their bytes. */
  readonly rowBytes: number;
  /** Bytes of a client's frame. */
  readonly frameBytes: number;
  /** Messages that a client may send in a second, for long. */
  readonly messagesPerSecond: number;
  /** Messages that a client may send at once, after a pause. */
  readonly messageBurst: number;
  /** Bytes that wait for a client before it gets nothing more until it has read. */
  readonly waitingBytes: number;
  /** How long they may wait before its session ends. */
  readonly stalledMs: number;
  /** Events of a stream that are kept for those who are a little behind. */
  readonly recentEvents: number;
};

export const LIMITS: Limits = {
  sessions: 10_000,
  sessionsOfIdentity: 1_000,
  queries: 256,
  rows: 20_000,
  rowBytes: 16 * 1024 * 1024,
  // The largest frame of SpacetimeDB's own client is 256 KiB.
  frameBytes: 512 * 1024,
  messagesPerSecond: 100,
  messageBurst: 1_000,
  waitingBytes: 1024 * 1024,
  stalledMs: 10_000,
  recentEvents: 2_000,
};
