// Rows and the messages that carry them, as bytes. What many sessions get is
// encoded once and shared.

import { idempotencyKeyOf } from "@openagents/streams";
import { Writer, encodeBsatn } from "../bsatn/index.ts";
import {
  TABLES,
  concatBytes,
  rowListOf,
  tableUpdate,
  type TableName,
  type TableUpdate,
} from "../protocol/index.ts";
import type { StoredEvent, StreamHead } from "./stream-store.ts";

const writer = new Writer();

export function eventRow(streamId: string, event: StoredEvent): Uint8Array {
  TABLES.sync_event.row.write(writer, {
    idempotency_key: idempotencyKeyOf(streamId, event.seq),
    stream_id: streamId,
    seq: event.seq,
    payload_hash: event.payloadHash,
    payload_json: event.payload,
    committed_at_unix_ms: event.committedAtMs,
    // What a stream holds is committed, so that both say what the number says.
    durable_offset: event.seq,
    confirmed_read: true,
  });
  return writer.finish();
}

export function headRow({
  streamId,
  headSeq,
  updatedAtMs,
}: Omit<StreamHead, "tenant" | "floorSeq">): Uint8Array {
  return encodeBsatn(TABLES.stream_head.row, {
    stream_id: streamId,
    head_seq: headSeq,
    updated_at_unix_ms: updatedAtMs,
  });
}

/** What changed in a table, as it stands in a `TransactionUpdate`. */
export function tableChange(
  tableName: TableName,
  inserts: readonly Uint8Array[],
  deletes: readonly Uint8Array[],
): Uint8Array {
  const update: TableUpdate = {
    tableName,
    rows: [{ tag: "PersistentTable", value: { inserts: rowListOf(inserts), deletes: rowListOf(deletes) } }],
  };
  return encodeBsatn(tableUpdate, update);
}

const TRANSACTION_UPDATE = 4;

/** Changes of tables by the query set that they are for. */
export type QuerySetChanges = { readonly querySetId: number; readonly changes: readonly Uint8Array[] };

/** A `TransactionUpdate` of changes that are encoded already. */
export function transactionUpdateMessage(querySets: readonly QuerySetChanges[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const head = new Writer();
  head.u8(TRANSACTION_UPDATE);
  head.u32(querySets.length);
  for (const { querySetId, changes } of querySets) {
    head.u32(querySetId);
    head.u32(changes.length);
    parts.push(head.finish(), ...changes);
  }
  return concatBytes(parts);
}
