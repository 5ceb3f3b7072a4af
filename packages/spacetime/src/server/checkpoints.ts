// How far clients have applied their streams, as they say. In a database of its
// own: whatever is written here changes nothing of the authority (INV-06).

import { statement, type Database } from "@openagents/postgres";
import { encodeBsatn } from "../bsatn/index.ts";
import { TABLES } from "../protocol/index.ts";

export type Checkpoint = {
  readonly clientId: string;
  readonly streamId: string;
  readonly lastAppliedSeq: bigint;
  readonly durableOffset: bigint;
  readonly updatedAtMs: bigint;
};

/** Of one identity; a client has one per stream. */
export const CHECKPOINTS_MAX = 1_000;

const COLUMNS = `client_id AS "clientId", stream_id AS "streamId", last_applied_seq AS "lastAppliedSeq",
  durable_offset AS "durableOffset", updated_at_ms AS "updatedAtMs"`;

const ACKNOWLEDGE = statement(
  "checkpoints.acknowledge",
  `INSERT INTO checkpoints AS c
     (client_id, stream_id, identity, last_applied_seq, durable_offset, updated_at_ms)
   SELECT $1, $2, $3, $4, $5, $6
    WHERE EXISTS (SELECT FROM checkpoints WHERE client_id = $1 AND stream_id = $2)
       OR (SELECT count(*) FROM (SELECT FROM checkpoints WHERE identity = $3 LIMIT $7) own) < $7
   ON CONFLICT (client_id, stream_id) DO UPDATE SET
     last_applied_seq = greatest(c.last_applied_seq, excluded.last_applied_seq),
     durable_offset = greatest(c.durable_offset, excluded.durable_offset),
     updated_at_ms = greatest(c.updated_at_ms, excluded.updated_at_ms)
   RETURNING ${COLUMNS}`,
);

/** Move a checkpoint, never backwards. Undefined when the identity has as many as it may. */
export async function acknowledge(
  db: Database,
  identityHex: string,
  { clientId, streamId, lastAppliedSeq, durableOffset, updatedAtMs }: Checkpoint,
): Promise<Checkpoint | undefined> {
  const values = [
    clientId,
    streamId,
    identityHex,
    lastAppliedSeq,
    durableOffset,
    updatedAtMs,
    CHECKPOINTS_MAX,
  ];
  const [checkpoint] = await db.query<Checkpoint>(ACKNOWLEDGE, values);
  return checkpoint;
}

const LIST = statement(
  "checkpoints.list",
  `SELECT ${COLUMNS} FROM checkpoints
    WHERE client_id = $1 AND ($2::text IS NULL OR stream_id = $2) ORDER BY stream_id LIMIT $3`,
);

export function listCheckpoints(db: Database, clientId: string, streamId?: string): Promise<Checkpoint[]> {
  return db.query<Checkpoint>(LIST, [clientId, streamId ?? null, CHECKPOINTS_MAX]);
}

export function checkpointKey({ clientId, streamId }: Pick<Checkpoint, "clientId" | "streamId">): string {
  return `${clientId}:${streamId}`;
}

export function checkpointRow(checkpoint: Checkpoint): Uint8Array {
  return encodeBsatn(TABLES.stream_checkpoint.row, {
    checkpoint_key: checkpointKey(checkpoint),
    client_id: checkpoint.clientId,
    stream_id: checkpoint.streamId,
    last_applied_seq: checkpoint.lastAppliedSeq,
    durable_offset: checkpoint.durableOffset,
    updated_at_unix_ms: checkpoint.updatedAtMs,
  });
}
