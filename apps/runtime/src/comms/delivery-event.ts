// A delivery as its provider told it. Pure.

import {
  encode,
  recordDeliveryEventRequestDesc,
  type DeliveryEvent as DeliveryEventMessage,
  type DeliveryState,
  type RecordDeliveryEventRequest,
} from "@openagents/contracts";
import { canonicalize, sha256Hex } from "@openagents/receipts";

export type DeliveryEvent = {
  readonly org: string;
  readonly provider: string;
  readonly eventId: string;
  readonly deliveryState: DeliveryState;
  readonly messageId: string | undefined;
  readonly contentSha256: string;
  readonly receiptId: string;
  readonly recordedAtMs: number;
};

/** Of all that was told, so that an event that is told again with anything else shows. */
export function contentSha256(request: RecordDeliveryEventRequest): string {
  return sha256Hex(canonicalize(encode(recordDeliveryEventRequestDesc, request)));
}

export function deliveryEventMessage(event: DeliveryEvent): DeliveryEventMessage {
  return {
    provider: event.provider,
    eventId: event.eventId,
    deliveryState: event.deliveryState,
    messageId: event.messageId,
    contentSha256: event.contentSha256,
    recordedAt: event.recordedAtMs,
    receiptId: event.receiptId,
  };
}
