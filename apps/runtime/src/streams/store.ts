import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";

export type Head = {
  readonly streamId: string;
  readonly tenant: string;
  readonly headSeq: bigint;
  /** Events up to and including this one are gone. */
  readonly floorSeq: bigint;
  readonly keepNewest: number | undefined;
  readonly updatedAtMs: number;
};

type HeadRow = {
  stream_id: string;
  tenant: string;
  head_seq: bigint;
  floor_seq: bigint;
  keep_newest: number | null;
  updated_at_ms: bigint;
};

const HEAD_COLUMNS = "stream_id, tenant, head_seq, floor_seq, keep_newest, updated_at_ms";

function headOf(row: HeadRow): Head {
  return {
    streamId: row.stream_id,
    tenant: row.tenant,
    headSeq: row.head_seq,
    floorSeq: row.floor_seq,
    keepNewest: row.keep_newest ?? undefined,
    updatedAtMs: Number(row.updated_at_ms),
  };
}

const FIND_HEAD = statement(
  "streams.find_head",
  `SELECT ${HEAD_COLUMNS} FROM sync.stream_heads WHERE stream_id = $1`,
);

/** Undefined for a stream without an event. */
export async function findHead(q: Queryable, streamId: string): Promise<Head | undefined> {
  const [row] = await q.query<HeadRow>(FIND_HEAD, [streamId]);
  return row === undefined ? undefined : headOf(row);
}

const LOCK_HEAD = statement(
  "streams.lock_head",
  `SELECT ${HEAD_COLUMNS} FROM sync.stream_heads WHERE stream_id = $1 FOR NO KEY UPDATE`,
);

/** No event is appended to the stream until the transaction ends. */
export async function lockHead(tx: Tx, streamId: string): Promise<Head | undefined> {
  const [row] = await tx.query<HeadRow>(LOCK_HEAD, [streamId]);
  return row === undefined ? undefined : headOf(row);
}

const LIST_HEADS = statement(
  "streams.list_heads",
  `SELECT ${HEAD_COLUMNS} FROM sync.stream_heads
    WHERE tenant = ANY($1) AND stream_id > $2 AND starts_with(stream_id, $3) ORDER BY stream_id LIMIT $4`,
);

/** By name, those after `afterStreamId`. */
export async function listHeads(
  q: Queryable,
  tenants: readonly string[],
  afterStreamId: string,
  prefix: string,
  limit: number,
): Promise<Head[]> {
  return (await q.query<HeadRow>(LIST_HEADS, [tenants, afterStreamId, prefix, limit])).map(headOf);
}

export type StoredEvent = {
  readonly seq: bigint;
  readonly payloadHash: string;
  readonly payload: string;
  readonly committedAtMs: number;
};

/** A page holds no more bytes of payloads than this, but always at least one event. */
const PAGE_BYTES_MAX = 2 * 1024 * 1024;

const LIST_EVENTS = statement(
  "streams.list_events",
  `SELECT seq, payload_hash, payload, committed_at_ms
     FROM (SELECT *, sum(octet_length(payload)) OVER (ORDER BY seq) AS bytes_so_far
             FROM (SELECT * FROM sync.stream_events
                    WHERE stream_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) AS page) AS summed
    WHERE bytes_so_far <= $4 OR seq = $2 + 1 ORDER BY seq`,
);

/** In order, those after `afterSeq`; fewer than `limit` when they are large. */
export async function listEvents(
  q: Queryable,
  streamId: string,
  afterSeq: bigint,
  limit: number,
): Promise<StoredEvent[]> {
  type Row = { seq: bigint; payload_hash: string; payload: string; committed_at_ms: bigint };
  const rows = await q.query<Row>(LIST_EVENTS, [streamId, afterSeq, limit, PAGE_BYTES_MAX]);
  return rows.map((row) => ({
    seq: row.seq,
    payloadHash: row.payload_hash,
    payload: row.payload,
    committedAtMs: Number(row.committed_at_ms),
  }));
}

const LIST_HASHES = statement(
  "streams.list_hashes",
  `SELECT seq, payload_hash FROM sync.stream_events
    WHERE stream_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4`,
);

export type EventHash = { readonly seq: bigint; readonly payloadHash: string };

export async function listHashes(
  q: Queryable,
  streamId: string,
  afterSeq: bigint,
  throughSeq: bigint,
  limit: number,
): Promise<EventHash[]> {
  type Row = { seq: bigint; payload_hash: string };
  const rows = await q.query<Row>(LIST_HASHES, [streamId, afterSeq, throughSeq, limit]);
  return rows.map((row) => ({ seq: row.seq, payloadHash: row.payload_hash }));
}

/** The chain at an event, which the log holds. */
export type SealedHead = { readonly seq: bigint; readonly chainHash: string; readonly receiptId: string };

type ChainRow = { seq: bigint; chain_hash: string; receipt_id: string };

function sealedOf(row: ChainRow): SealedHead {
  return { seq: row.seq, chainHash: row.chain_hash, receiptId: row.receipt_id };
}

const LIST_CHAINS = statement(
  "streams.list_chains",
  `SELECT seq, chain_hash, receipt_id FROM sync.stream_chains
    WHERE stream_id = $1 AND seq <= $2 ORDER BY seq DESC LIMIT $3`,
);

/** Newest first, those at `throughSeq` or before it. */
export async function listSealedHeads(
  q: Queryable,
  streamId: string,
  throughSeq: bigint,
  limit: number,
): Promise<SealedHead[]> {
  return (await q.query<ChainRow>(LIST_CHAINS, [streamId, throughSeq, limit])).map(sealedOf);
}

export function insertSealedHead(streamId: string, head: SealedHead): Write {
  return {
    name: "streams.insert_chain",
    text: `INSERT INTO sync.stream_chains (stream_id, seq, chain_hash, receipt_id) VALUES ($1, $2, $3, $4)`,
    values: [streamId, head.seq, head.chainHash, head.receiptId],
  };
}

const LIST_UNSEALED = statement(
  "streams.list_unsealed",
  `SELECT h.stream_id, c.seq IS NULL AS unsealed
     FROM (SELECT stream_id, head_seq FROM sync.stream_heads
            WHERE stream_id > $1 ORDER BY stream_id LIMIT $2) AS h
     LEFT JOIN sync.stream_chains c ON c.stream_id = h.stream_id AND c.seq = h.head_seq
    ORDER BY h.stream_id`,
);

/** The next streams by name, and whether the newest event of each is not in the log. */
export async function listUnsealed(
  q: Queryable,
  afterStreamId: string,
  limit: number,
): Promise<{ readonly streamId: string; readonly unsealed: boolean }[]> {
  type Row = { stream_id: string; unsealed: boolean };
  const rows = await q.query<Row>(LIST_UNSEALED, [afterStreamId, limit]);
  return rows.map((row) => ({ streamId: row.stream_id, unsealed: row.unsealed }));
}

const LIST_OVERFULL = statement(
  "streams.list_overfull",
  `SELECT stream_id FROM sync.stream_heads
    WHERE keep_newest IS NOT NULL AND stream_id > $1 AND head_seq - floor_seq > keep_newest * 11::bigint / 10
    ORDER BY stream_id LIMIT $2`,
);

/** Streams that hold a tenth more than they keep, by name. */
export async function listOverfull(q: Queryable, afterStreamId: string, limit: number): Promise<string[]> {
  const rows = await q.query<{ stream_id: string }>(LIST_OVERFULL, [afterStreamId, limit]);
  return rows.map((row) => row.stream_id);
}

/** Let go of the events up to and including `floorSeq`. */
const TRIM = {
  floor: statement("streams.set_floor", "UPDATE sync.stream_heads SET floor_seq = $2 WHERE stream_id = $1"),
  events: statement("streams.trim", "DELETE FROM sync.stream_events WHERE stream_id = $1 AND seq <= $2"),
};

/** The floor first: the events below it may go only then. */
export async function trimTo(tx: Tx, streamId: string, floorSeq: bigint): Promise<void> {
  await tx.query(TRIM.floor, [streamId, floorSeq]);
  await tx.query(TRIM.events, [streamId, floorSeq]);
}
