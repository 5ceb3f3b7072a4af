import type { JsonObject, Stream, StreamEvent, StreamHead } from "@openagents/contracts";
import type { Head, SealedHead, StoredEvent } from "./store.ts";

export function streamMessage(head: Head): Stream {
  return {
    streamId: head.streamId,
    headSeq: head.headSeq,
    floorSeq: head.floorSeq,
    keepNewest: head.keepNewest === undefined ? undefined : BigInt(head.keepNewest),
    updatedAt: head.updatedAtMs,
  };
}

export function streamEventMessage(event: StoredEvent): StreamEvent {
  return {
    seq: event.seq,
    payloadHash: event.payloadHash,
    payload: JSON.parse(event.payload) as JsonObject,
    committedAt: event.committedAtMs,
  };
}

export function sealedHeadMessage({ seq, chainHash, receiptId }: SealedHead): StreamHead {
  return { seq, chainHash, receiptId };
}
