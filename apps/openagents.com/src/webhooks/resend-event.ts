// What Resend tells of a message, as a delivery. Parses, never repairs.

import { hash } from "node:crypto";
import type { MailDeliveryState, RecordMailDeliveryRequest } from "@openagents/contracts";

const STATES: Readonly<Record<string, MailDeliveryState>> = {
  "email.sent": "sent",
  "email.delivered": "delivered",
  "email.delivery_delayed": "delayed",
  "email.bounced": "bounced",
  "email.complained": "complained",
  "email.failed": "failed",
};

export type ResendEvent =
  | { readonly kind: "delivery"; readonly request: RecordMailDeliveryRequest }
  /** Not about what became of a message. */
  | { readonly kind: "other" }
  | { readonly kind: "malformed" };

/** @param eventId the sender's own, which its signature covers */
export function parseResendEvent(eventId: string, body: Buffer): ResendEvent {
  const event = parseObject(body);
  if (event === undefined || typeof event["type"] !== "string") return { kind: "malformed" };
  const state = Object.hasOwn(STATES, event["type"]) ? STATES[event["type"]] : undefined;
  if (state === undefined) return { kind: "other" };
  const { created_at: createdAt, data } = event;
  const messageId =
    typeof data === "object" && data !== null && "email_id" in data ? data.email_id : undefined;
  const occurredAt = typeof createdAt === "string" ? Date.parse(createdAt) : Number.NaN;
  if (typeof messageId !== "string" || messageId === "" || messageId.length > 200)
    return { kind: "malformed" };
  if (!Number.isFinite(occurredAt)) return { kind: "malformed" };
  const contentSha256 = hash("sha256", body);
  return {
    kind: "delivery",
    request: { provider: "resend", eventId, state, messageId, occurredAt, contentSha256 },
  };
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
      ? { ...parsed }
      : undefined;
  } catch {
    return undefined;
  }
}
