// Gives one mail to an SMTP server (RFC 5321). The steps are taken one by one, because
// what an error means depends on how far it got: until the message is begun, nothing was
// sent; after that only the server's own words say what it did.

import type { ActResult } from "@openagents/authority";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { OutgoingMail } from "./mail-account.ts";
import type { Dial, Login } from "./servers.ts";

const TIMEOUT_MS = 10_000;

export async function sendBySmtp(
  { address, port, host, secure, mayBePlain }: Dial,
  { user, password }: Login,
  { from, to, raw, messageId }: OutgoingMail,
  signal: AbortSignal,
): Promise<ActResult> {
  const connection = new SMTPConnection({
    host: address,
    port,
    secure,
    requireTLS: !secure && !mayBePlain,
    ignoreTLS: !secure && mayBePlain,
    tls: { servername: host },
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  connection.on("error", failed.reject);
  connection.on("end", () => failed.reject(new Error("the connection ended")));
  const abort = () => failed.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const step = <T>(act: (done: (error: Error | null | undefined, value?: T) => void) => void) => {
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    act((error, value) => (error ? reject(error) : resolve(value)));
    return Promise.race([promise, failed.promise]);
  };
  try {
    try {
      await step((done) => connection.connect(done));
      await step((done) => connection.login({ user, pass: password }, done));
    } catch (error) {
      return refusalOf(error) ?? { kind: "not_sent", detail: "The mail server was not reached." };
    }
    const envelope = { from, to: [...to] };
    const info = await step<SMTPConnection.SentMessageInfo>((done) =>
      connection.send(envelope, Buffer.from(raw), done),
    );
    const rejected = info?.rejected ?? [];
    return { kind: "succeeded", facts: { message_key: messageId, rejected } };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return refusal;
  } finally {
    signal.removeEventListener("abort", abort);
    connection.close();
  }
}

/** What the server itself said: no for good, or no for now. Undefined where it said nothing. */
function refusalOf(error: unknown): ActResult | undefined {
  const { responseCode } = Object(error);
  if (typeof responseCode !== "number" || responseCode < 400) return undefined;
  if (responseCode < 500)
    return { kind: "not_sent", detail: `The mail server does not take it now (${responseCode}).` };
  const detail = `The mail server did not take it (${responseCode}).`;
  return { kind: "failed", reason: responseCode === 535 ? "login_refused" : "not_taken", detail };
}
