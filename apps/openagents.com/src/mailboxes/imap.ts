// A mailbox by IMAP (RFC 9051), and SMTP to send from it. It is opened for one look at a
// time, read only, so that nothing is marked as read by us.

import type { Outbound } from "@openagents/service";
import { AuthenticationFailure, ImapFlow } from "imapflow";
import {
  LOOK_BACK_MS,
  MESSAGES_MAX,
  MailboxError,
  type FoundMail,
  type MailAccount,
  type OutgoingMail,
} from "./mail-account.ts";
import { unreachable } from "./google.ts";
import { dialOf, type Login, type MailServer, type MailServers } from "./servers.ts";
import { sendBySmtp } from "./smtp.ts";

const TIMEOUT_MS = 10_000;

/** Of one message; what is longer is cut. */
const SOURCE_BYTES_MAX = 262_144;

/** A minute after that nobody waits for the mail server, so what is not known then stays so. */
const ASKED_FOR_MS = 86_400_000;

export function imapAccount(
  servers: MailServers,
  login: Login,
  outbound: Outbound,
  nowMs: () => number,
): MailAccount {
  const dial = async (server: MailServer) => dialOf(server, await outbound.resolveHost(server.host));

  return {
    findNew: (isKnown, signal) =>
      withImap(dial, servers.imap, login, signal, async (client) => {
        const lock = await client.getMailboxLock("INBOX", { readOnly: true });
        try {
          const since = new Date(nowMs() - LOOK_BACK_MS);
          const uids = (await client.search({ since }, { uid: true })) || [];
          const newest = uids.toSorted((a, b) => a - b).slice(-MESSAGES_MAX);
          if (newest.length === 0) return [];
          const validity = client.mailbox === false ? "" : client.mailbox.uidValidity;
          const heads = await client.fetchAll(newest, { uid: true, envelope: true }, { uid: true });
          const keys = new Map(
            heads.map(({ uid, envelope }) => [uid, keyOf(envelope?.messageId) ?? `uid:${validity}:${uid}`]),
          );
          const known = await isKnown([...keys.values()]);
          const unknown = newest.filter((uid) => !known.has(keys.get(uid) ?? ""));
          if (unknown.length === 0) return [];
          const wanted = { uid: true, internalDate: true, source: { maxLength: SOURCE_BYTES_MAX } };
          const found: FoundMail[] = [];
          for (const { uid, internalDate, source } of await client.fetchAll(unknown, wanted, { uid: true })) {
            const key = keys.get(uid);
            if (key === undefined || source === undefined) continue;
            const occurredAtMs = new Date(internalDate ?? 0).getTime();
            found.push({ key, remoteThread: undefined, sentByUs: false, occurredAtMs, raw: source });
          }
          return found;
        } finally {
          lock.release();
        }
      }),

    async send(mail, signal) {
      const server = await dial(servers.smtp).catch(() => undefined);
      if (server === undefined) return { kind: "not_sent", detail: "The mail server has no address now." };
      const result = await sendBySmtp(server, login, mail, signal);
      // So that the person finds it among what they sent; that it was sent does not hang on it.
      if (result.kind === "succeeded") await keepSent(mail, signal).catch(() => undefined);
      return result;
    },

    async findSent(mail, sentAtMs, signal) {
      const detail =
        "The mail server did not say whether it took it. Look for it among your sent mail, or ask who should have it.";
      if (nowMs() - sentAtMs > ASKED_FOR_MS) return { kind: "unknown", detail };
      const isThere = await withImap(dial, servers.imap, login, signal, async (client) => {
        const path = await sentFolder(client);
        if (path === undefined) return false;
        const lock = await client.getMailboxLock(path, { readOnly: true });
        try {
          const found = await client.search({ header: { "message-id": mail.messageId } }, { uid: true });
          return (found || []).length > 0;
        } finally {
          lock.release();
        }
      });
      if (isThere) return { kind: "succeeded", facts: { message_key: mail.messageId } };
      return { kind: "unknown", detail };
    },
  };

  function keepSent({ raw }: OutgoingMail, signal: AbortSignal): Promise<void> {
    return withImap(dial, servers.imap, login, signal, async (client) => {
      const path = await sentFolder(client);
      if (path !== undefined) await client.append(path, raw, ["\\Seen"]);
    });
  }
}

/** Whether the login is good. Throws `MailboxError`, and `OutboundError` for a host that may not be called. */
export async function checkImap(
  servers: MailServers,
  login: Login,
  outbound: Outbound,
  signal: AbortSignal,
): Promise<void> {
  await outbound.resolveHost(servers.smtp.host);
  const { host, port } = servers.imap;
  const checked = dialOf({ host, port }, await outbound.resolveHost(host));
  await withImap(
    async () => checked,
    servers.imap,
    login,
    signal,
    async () => undefined,
  );
}

async function withImap<T>(
  dial: (server: MailServer) => Promise<ReturnType<typeof dialOf>>,
  server: MailServer,
  login: Login,
  signal: AbortSignal,
  work: (client: ImapFlow) => Promise<T>,
): Promise<T> {
  const { address, port, host, secure, mayBePlain } = await dial(server).catch(unreachable);
  const client = new ImapFlow({
    host: address,
    port,
    secure,
    servername: host,
    ...(secure ? {} : { doSTARTTLS: !mayBePlain }),
    auth: { user: login.user, pass: login.password },
    clientInfo: { name: "openagents" },
    logger: false,
    disableAutoIdle: true,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    maxLiteralSize: 2 * SOURCE_BYTES_MAX,
  });
  // What goes wrong is told by the call that it goes wrong in.
  client.on("error", () => undefined);
  const close = () => client.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    if (error instanceof AuthenticationFailure || Object(error).authenticationFailed === true)
      throw new MailboxError("login_refused", "The mail server does not take the login.", error);
    throw new MailboxError("unreachable", "The mail server did not answer as one.", error);
  } finally {
    signal.removeEventListener("abort", close);
    client.close();
  }
}

async function sentFolder(client: ImapFlow): Promise<string | undefined> {
  return (await client.list()).find(({ specialUse }) => specialUse === "\\Sent")?.path;
}

function keyOf(messageId: string | undefined): string | undefined {
  return messageId !== undefined && /^<[!-;=?-~]{1,250}>$/.test(messageId) ? messageId : undefined;
}
