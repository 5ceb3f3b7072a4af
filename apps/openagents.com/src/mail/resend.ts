// Mail by Resend's HTTP API: https://resend.com/docs/api-reference/emails/send-email

import { randomUUID } from "node:crypto";
import { MailNotSent, checkedMail, type Mailer } from "./mail.ts";

const BASE_URL = "https://api.resend.com";
const TIMEOUT_MS = 10_000;

export function resendMailer(settings: {
  readonly apiKey: string;
  readonly from: string;
  readonly baseUrl?: string;
}): Mailer {
  return {
    async send(mail) {
      const { to, subject, text } = checkedMail(mail);
      const response = await fetch(`${settings.baseUrl ?? BASE_URL}/emails`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${settings.apiKey}`,
          "content-type": "application/json",
          "idempotency-key": randomUUID(),
        },
        body: JSON.stringify({ from: settings.from, to: [to], subject, text }),
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((error: unknown) => {
        throw new MailNotSent("the mail service did not answer", { cause: error });
      });
      await response.body?.cancel();
      // What it answered may name people or keys: the status is enough.
      if (!response.ok) {
        const nothingLeft = response.status === 429;
        throw new MailNotSent(`the mail service answered ${response.status}`, { nothingLeft });
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}
