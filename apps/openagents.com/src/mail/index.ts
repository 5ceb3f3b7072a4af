import type { Logger } from "@openagents/service";
import type { MailSettings } from "../config.ts";
import { developmentInbox, type DevelopmentInbox } from "./development-inbox.ts";
import type { Mailer } from "./mail.ts";
import { resendMailer } from "./resend.ts";
import { smtpMailer } from "./smtp.ts";

export type { DevelopmentInbox } from "./development-inbox.ts";
export { registerInbox } from "./inbox-route.ts";
export { MailNotSent, type Mail, type Mailer } from "./mail.ts";

/** The mailer of the settings; in development also the inbox that it fills. */
export function createMailer(
  settings: MailSettings,
  deps: { readonly nowMs: () => number; readonly log: Logger },
): { readonly mailer: Mailer; readonly inbox?: DevelopmentInbox } {
  switch (settings.kind) {
    case "development": {
      const inbox = developmentInbox(deps);
      return { mailer: inbox, inbox };
    }
    case "smtp":
      return { mailer: smtpMailer(settings) };
    case "resend":
      return { mailer: resendMailer(settings) };
  }
}
