// Reads the streams that the services write, each in its own database. Every
// statement is an index read, bounded.

import { statement, type Database } from "@openagents/postgres";
import { ownerOf, type StreamOwner } from "@openagents/streams";

/** Where a service says which streams have new events, one name on a line. */
const STREAMS_CHANNEL = "openagents_streams";

export type StreamHead = {
  readonly streamId: string;
  /** Whose it is. */
  readonly tenant: string;
  readonly headSeq: bigint;
  /** Events up to and with this one are not kept any more. */
  readonly floorSeq: bigint;
  readonly updatedAtMs: bigint;
};

export type StoredEvent = {
  readonly seq: bigint;
  readonly payloadHash: string;
  readonly payload: string;
  readonly committedAtMs: bigint;
};

const COLUMNS = `e.seq, e.payload_hash AS "payloadHash", e.payload, e.committed_at_ms AS "committedAtMs"`;

const HEADS = statement(
  "sync.heads",
  `SELECT stream_id AS "streamId", tenant, head_seq AS "headSeq", floor_seq AS "floorSeq",
          updated_at_ms AS "updatedAtMs"
     FROM sync.stream_heads WHERE stream_id = ANY($1::text[])`,
);

function listHeads(db: Database, streamIds: readonly string[]): Promise<StreamHead[]> {
  return db.query<StreamHead>(HEADS, [streamIds]);
}

const EVENTS = statement(
  "sync.events",
  `SELECT ${COLUMNS} FROM sync.stream_events e
    WHERE e.stream_id = $1 AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq LIMIT $4`,
);

/** The largest number of the store. */
export const SEQ_MAX = (1n << 63n) - 1n;

function listEvents(
  db: Database,
  streamId: string,
  afterSeq: bigint,
  throughSeq: bigint,
  limit: number,
): Promise<StoredEvent[]> {
  return db.query<StoredEvent>(EVENTS, [streamId, afterSeq, throughSeq, limit]);
}

const EVENTS_OF_ALL = statement(
  "sync.events_of_all",
  `SELECT w.stream_id AS "streamId", ${COLUMNS}
     FROM unnest($1::text[], $2::bigint[]) AS w (stream_id, after_seq)
    CROSS JOIN LATERAL (
      SELECT * FROM sync.stream_events s
       WHERE s.stream_id = w.stream_id AND s.seq > w.after_seq ORDER BY s.seq LIMIT $3
    ) e
    ORDER BY w.stream_id, e.seq`,
);

function listEventsOfAll(
  db: Database,
  after: readonly { readonly streamId: string; readonly seq: bigint }[],
  limit: number,
): Promise<(StoredEvent & { readonly streamId: string })[]> {
  const ids = after.map(({ streamId }) => streamId);
  const seqs = after.map(({ seq }) => seq);
  return db.query<StoredEvent & { readonly streamId: string }>(EVENTS_OF_ALL, [ids, seqs, limit]);
}

const NEWEST_EVENTS = statement(
  "sync.newest_events",
  `SELECT ${COLUMNS} FROM sync.stream_events e
    WHERE e.stream_id = $1 AND e.seq <= $2 ORDER BY e.seq DESC LIMIT $3`,
);

function listNewestEvents(
  db: Database,
  streamId: string,
  throughSeq: bigint,
  limit: number,
): Promise<StoredEvent[]> {
  return db.query<StoredEvent>(NEWEST_EVENTS, [streamId, throughSeq, limit]);
}

export type StreamStore = AsyncDisposable & {
  /** The heads of those streams that have events. */
  listHeads(streamIds: readonly string[]): Promise<StreamHead[]>;
  /** Events behind `afterSeq` up to and with `throughSeq`, in order, `limit` at most. */
  listEvents(streamId: string, afterSeq: bigint, throughSeq: bigint, limit: number): Promise<StoredEvent[]>;
  /** The same of many streams of one owner in one read; `limit` at most of each. */
  listEventsOfAll(
    owner: StreamOwner,
    after: readonly { readonly streamId: string; readonly seq: bigint }[],
    limit: number,
  ): Promise<(StoredEvent & { readonly streamId: string })[]>;
  /** Events up to and with `throughSeq`, newest first. */
  listNewestEvents(streamId: string, throughSeq: bigint, limit: number): Promise<StoredEvent[]>;
  /** Hear which streams have news; an empty text when something may have been missed. */
  listen(onHeard: (payload: string) => void): Promise<AsyncDisposable>;
};

/** The databases of those who write streams, as roles that may only read them. Closed with the store. */
export type StreamDatabases = Readonly<Record<StreamOwner, Database>>;

export function openStreamStore(databases: StreamDatabases): StreamStore {
  const dbOf = (streamId: string) => databases[ownerOf(streamId)];
  const all = [...new Set(Object.values(databases))];
  return {
    async listHeads(streamIds) {
      const byDb = Map.groupBy(streamIds, dbOf);
      const found = await Promise.all([...byDb].map(([db, ids]) => listHeads(db, ids)));
      return found.flat();
    },
    listEvents: (streamId, afterSeq, throughSeq, limit) =>
      listEvents(dbOf(streamId), streamId, afterSeq, throughSeq, limit),
    listEventsOfAll: (owner, after, limit) => listEventsOfAll(databases[owner], after, limit),
    listNewestEvents: (streamId, throughSeq, limit) =>
      listNewestEvents(dbOf(streamId), streamId, throughSeq, limit),
    async listen(onHeard) {
      await using opened = new AsyncDisposableStack();
      for (const db of all) {
        const listener = await db.listen(STREAMS_CHANNEL, onHeard);
        opened.defer(() => listener.close());
      }
      return opened.move();
    },
    async [Symbol.asyncDispose]() {
      for (const db of all) await db.close();
    },
  };
}
