// Calls from senders outside, in their own format. Whoever's signature does not
// hold leaves nothing behind; what holds becomes a command, recorded once.

import type { Authority } from "@openagents/authority";
import { MailDeliveries, ProblemError, requestIdOf } from "@openagents/contracts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { controlCall } from "../control-call.ts";
import { recordMailDelivery } from "../mail-deliveries/index.ts";
import { parseResendEvent } from "./resend-event.ts";
import { isFromSender } from "./signature.ts";

export type WebhookDeps = {
  readonly authority: Authority;
  /** `whsec_…`; absent: Resend's calls are not taken. */
  readonly resendSecret: string | undefined;
  readonly nowMs: () => number;
};

const BODY_BYTES_MAX = 256 * 1024;

/** Call once, before the app listens. */
export function serveWebhooks(app: FastifyInstance, { authority, resendSecret, nowMs }: WebhookDeps): void {
  void app.register(async (scope) => {
    // The signature is over the bytes as they came.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

    scope.post("/api/webhooks/resend", { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
      reply.header("x-request-id", requestIdOf(request));
      if (resendSecret === undefined) throw notConfigured();
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const id = header(request, "svix-id");
      const signed = {
        id,
        timestamp: header(request, "svix-timestamp"),
        signatures: header(request, "svix-signature"),
        body,
      };
      if (id === undefined || !isFromSender(resendSecret, signed, nowMs())) throw signatureInvalid();
      const event = parseResendEvent(id, body);
      if (event.kind === "malformed") throw payloadInvalid();
      if (event.kind === "other") return reply.code(202).send({ recorded: false });
      const { signal } = new AbortController();
      const call = controlCall(MailDeliveries, "recordMailDelivery", "mail:record", signal);
      const answer = await recordMailDelivery({ authority }, call, event.request);
      return reply
        .code(answer.status)
        .header("content-type", answer.contentType)
        .send(Buffer.from(answer.body));
    });
  });
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

function signatureInvalid(): ProblemError {
  const detail = "The signature is not the sender's, or is older than five minutes. Nothing was recorded.";
  return new ProblemError({ status: 401, code: "signature_invalid", detail });
}

function payloadInvalid(): ProblemError {
  const detail = "The event lacks its type, its time or its message.";
  return new ProblemError({ status: 400, code: "payload_invalid", detail });
}

function notConfigured(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "webhook_not_configured",
    detail: "Set CONTROL_RESEND_WEBHOOK_SECRET to the signing secret that Resend shows for this webhook.",
    retryAfterMs: 60_000,
  });
}
