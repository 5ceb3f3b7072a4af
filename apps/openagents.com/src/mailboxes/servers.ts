// Where a mailbox is read and sent from by IMAP and SMTP, as one text that its secret is
// sealed for: whoever changes a host has to have the password.

export type MailServers = { readonly imap: MailServer; readonly smtp: MailServer };

export type MailServer = { readonly host: string; readonly port: number };

/** What the secret of a mailbox holds. */
export type Login = { readonly user: string; readonly password: string };

export function serversText({ imap, smtp }: MailServers): string {
  return `imap://${imap.host}:${imap.port} smtp://${smtp.host}:${smtp.port}`;
}

export function parseServers(text: string): MailServers {
  const found = /^imap:\/\/([^\s:/]+):(\d+) smtp:\/\/([^\s:/]+):(\d+)$/.exec(text);
  const [, imapHost, imapPort, smtpHost, smtpPort] = found ?? [];
  if (imapHost === undefined || smtpHost === undefined) throw new Error("a mailbox names no servers");
  return {
    imap: { host: imapHost, port: Number(imapPort) },
    smtp: { host: smtpHost, port: Number(smtpPort) },
  };
}

export function parseLogin(secret: string): Login {
  const { user, password } = Object(JSON.parse(secret));
  if (typeof user !== "string" || typeof password !== "string")
    throw new Error("a mailbox's secret holds no login");
  return { user, password };
}

/** Ports on which TLS comes first; on all others it is asked for, and nothing goes on without. */
const TLS_FIRST = new Set([465, 993]);

/** How a server is connected to: at the address that was checked, encrypted for the name. */
export function dialOf(
  { host, port }: MailServer,
  { address, isThisMachine }: { readonly address: string; readonly isThisMachine: boolean },
) {
  const secure = TLS_FIRST.has(port);
  return { address, port, host, secure, mayBePlain: isThisMachine };
}

export type Dial = ReturnType<typeof dialOf>;
