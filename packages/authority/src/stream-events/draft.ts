import { hashPayload, payloadText, retentionOf } from "@openagents/streams";
import type { JsonObject } from "@openagents/receipts";
import type { StreamEventDraft } from "../stream.ts";

/** An event of a stream that belongs to `tenant`, as it is stored. */
export function draftOf(
  streamId: string,
  tenant: string,
  payload: string,
  payloadHash: string,
  committedAtMs: number,
): StreamEventDraft {
  const retention = retentionOf(streamId);
  const keepNewest = retention === "permanent" ? undefined : retention.newestEvents;
  return { streamId, tenant, keepNewest, payloadHash, payload, committedAtMs };
}

/** As `draftOf`, of an event that no receipt stands for. */
export function eventDraft(
  streamId: string,
  tenant: string,
  kind: string,
  facts: JsonObject,
  nowMs: number,
): StreamEventDraft {
  const payload = payloadText(kind, nowMs, facts);
  return draftOf(streamId, tenant, payload, hashPayload(payload), nowMs);
}
