// Where a client went on in each stream, kept between its lives.

import type { Cursor } from "./apply.ts";

export type Checkpoint = Cursor & { readonly streamId: string };

/**
 * Keeps checkpoints for the client. The handler has run when `save` is called,
 * so a process that dies in between sees these events again in its next life:
 * exactly once per process, at least once over all.
 */
export type CheckpointStore = {
  load(streamId: string): Promise<Checkpoint | undefined>;
  /** Answers when it is durable. */
  save(checkpoint: Checkpoint): Promise<void>;
  /** Said once when what was kept could not be read and the client begins anew. */
  readonly rebuilt?: string | undefined;
};

/**
 * Checkpoints that the handler writes itself, in the transaction of its own
 * effect: then the effect is exactly once, over any crash. The handler stores
 * the `checkpoint` that it is given with each batch; `load` reads it back, at
 * the start and after a handler has failed, because such a transaction may
 * still have been committed.
 */
export type HandlerCheckpoints = { readonly load: CheckpointStore["load"]; readonly savedBy: "handler" };

/** For tests, and for clients that may begin anew each time. */
export function memoryCheckpoints(): CheckpointStore {
  const kept = new Map<string, Checkpoint>();
  return {
    load: (streamId) => Promise.resolve(kept.get(streamId)),
    save(checkpoint) {
      kept.set(checkpoint.streamId, checkpoint);
      return Promise.resolve();
    },
  };
}

/** As stores write it: numbers as text, for they pass 2⁵³. */
export type CheckpointRecord = {
  readonly stream_id: string;
  readonly seq: string;
  readonly chain_hash: string;
  readonly base_seq: string;
};

export function checkpointRecordOf({ streamId, seq, chainHash, baseSeq }: Checkpoint): CheckpointRecord {
  return { stream_id: streamId, seq: seq.toString(), chain_hash: chainHash, base_seq: baseSeq.toString() };
}

const SEQ = /^(?:0|[1-9][0-9]{0,19})$/;
const HASH = /^[0-9a-f]{64}$/;

/** Throws for what is not a checkpoint. */
export function parseCheckpointRecord(value: unknown): Checkpoint {
  if (typeof value !== "object" || value === null) throw new Error("a checkpoint is not an object");
  const { stream_id, seq, chain_hash, base_seq } = value as Partial<Record<keyof CheckpointRecord, unknown>>;
  if (typeof stream_id !== "string" || stream_id === "") throw new Error("a checkpoint names no stream");
  if (typeof seq !== "string" || !SEQ.test(seq)) throw new Error(`the seq of ${stream_id} is no number`);
  if (typeof base_seq !== "string" || !SEQ.test(base_seq))
    throw new Error(`the base_seq of ${stream_id} is no number`);
  if (typeof chain_hash !== "string" || !HASH.test(chain_hash))
    throw new Error(`the chain_hash of ${stream_id} is no hash`);
  return { streamId: stream_id, seq: BigInt(seq), chainHash: chain_hash, baseSeq: BigInt(base_seq) };
}
