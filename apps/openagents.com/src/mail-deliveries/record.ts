import type { Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  MailDelivery as MailDeliveryMessage,
  RecordMailDeliveryRequest,
  RecordMailDeliveryResponse,
} from "@openagents/contracts";
import { insertMailDelivery, lockMailDelivery, type MailDelivery } from "./store.ts";

/**
 * Record an event of a mail provider once. Who it went to is not kept, and what
 * was sent only as its hash. Refused: `delivery_drifted`.
 */
export function recordMailDelivery(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  request: RecordMailDeliveryRequest,
): Promise<CommandReply> {
  return authority.perform<RecordMailDeliveryResponse>(call, async (command) => {
    const { provider, eventId } = request;
    const earlier = await lockMailDelivery(command.tx, provider, eventId);
    if (earlier !== undefined && earlier.contentSha256 !== request.contentSha256) {
      return {
        kind: "refused",
        rule: "state",
        reason: "delivery_drifted",
        detail: `${provider} told the event ${eventId} before, with another content. A new event needs an id of its own.`,
      };
    }
    if (earlier !== undefined) {
      const output = { delivery: mailDeliveryMessage(earlier), replayed: true };
      return { kind: "answer", status: 200, output, writes: [] };
    }
    const delivery: MailDelivery = {
      provider,
      eventId,
      state: request.state,
      messageId: request.messageId,
      contentSha256: request.contentSha256,
      occurredAtMs: request.occurredAt,
      recordedAtMs: command.nowMs(),
    };
    return {
      kind: "answer",
      output: { delivery: mailDeliveryMessage(delivery), replayed: false },
      writes: [insertMailDelivery(delivery)],
    };
  });
}

export function mailDeliveryMessage(delivery: MailDelivery): MailDeliveryMessage {
  return {
    provider: delivery.provider,
    eventId: delivery.eventId,
    state: delivery.state,
    messageId: delivery.messageId,
    occurredAt: delivery.occurredAtMs,
    recordedAt: delivery.recordedAtMs,
  };
}
