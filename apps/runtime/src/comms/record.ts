import type { Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  RecordDeliveryEventRequest,
  RecordDeliveryEventResponse,
} from "@openagents/contracts";
import { contentSha256, deliveryEventMessage, type DeliveryEvent } from "./delivery-event.ts";
import { insertDeliveryEvent, lockDeliveryEvent } from "./store.ts";

/** Record a delivery once. Refused: `delivery_event_drifted`. */
export function recordDeliveryEvent(
  deps: { readonly authority: Authority },
  call: CommandCall,
  request: RecordDeliveryEventRequest,
): Promise<CommandReply> {
  return deps.authority.perform<RecordDeliveryEventResponse>(call, async (command) => {
    const { org } = call.principal;
    const name = { org, provider: request.provider, eventId: request.eventId };
    const sha256 = contentSha256(request);
    const earlier = await lockDeliveryEvent(command.tx, name);
    if (earlier !== undefined && earlier.contentSha256 !== sha256) {
      return {
        kind: "refused",
        rule: "state",
        reason: "delivery_event_drifted",
        detail: `${request.provider} told the event ${request.eventId} before, with another content (${earlier.receiptId}). A new event needs an id of its own.`,
      };
    }
    if (earlier !== undefined) {
      const output = { event: deliveryEventMessage(earlier), replayed: true };
      return { kind: "answer", status: 200, output, writes: [] };
    }
    const nowMs = command.nowMs();
    const facts = {
      provider: request.provider,
      event_id: request.eventId,
      delivery_state: request.deliveryState,
      ...(request.messageId === undefined ? {} : { message_id: request.messageId }),
      content_sha256: sha256,
    };
    const subject = request.messageId ?? request.eventId;
    const receipt = command.seal("openagents.comms.delivery_event.v1", subject, facts, nowMs);
    const event: DeliveryEvent = {
      ...name,
      deliveryState: request.deliveryState,
      messageId: request.messageId,
      contentSha256: sha256,
      receiptId: receipt.receipt_id,
      recordedAtMs: nowMs,
    };
    return {
      kind: "answer",
      output: { event: deliveryEventMessage(event), replayed: false },
      writes: [insertDeliveryEvent(event)],
    };
  });
}
