import { createTransport } from "nodemailer";
import { MailNotSent, checkedMail, type Mailer } from "./mail.ts";

const TIMEOUT_MS = 10_000;

export function smtpMailer(settings: { readonly url: string; readonly from: string }): Mailer {
  const transport = createTransport(settings.url, {
    from: settings.from,
    // Text is text: no reading of files or addresses that it names.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  Object.assign(transport.options, {
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  });
  return {
    async send(mail) {
      const { to, subject, text } = checkedMail(mail);
      try {
        const { accepted } = await transport.sendMail({ to: { name: "", address: to }, subject, text });
        if (accepted.length !== 1) throw new MailNotSent("the server took no recipient");
      } catch (error) {
        if (error instanceof MailNotSent) throw error;
        // No connection, no mail; behind that the server may have it.
        const nothingLeft = error instanceof Error && "command" in error && error.command === "CONN";
        throw new MailNotSent("the mail server did not take it", { cause: error, nothingLeft });
      }
    },
    async [Symbol.asyncDispose]() {
      transport.close();
    },
  };
}
