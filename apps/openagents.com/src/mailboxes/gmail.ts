// A mailbox at Google, by its REST API: https://developers.google.com/workspace/gmail/api

import type { JsonObject, JsonValue } from "@openagents/contracts";
import { OutboundError } from "@openagents/service";
import { unreachable, type Google, type GoogleRequest } from "./google.ts";
import {
  DRAFT_HEADER,
  MESSAGES_MAX,
  MailboxError,
  type FoundMail,
  type MailAccount,
} from "./mail-account.ts";

const ME = "/gmail/v1/users/me";

/** Asked for at once. */
const CHUNK = 10;

/** What was sent is in the list of sent mail at once; what is not there by then was not taken. */
const LOST_AFTER_MS = 10 * 60_000;

/** Who the mailbox belongs to. Throws `MailboxError`. */
export async function gmailAddress(
  google: Google,
  refreshToken: string,
  signal: AbortSignal,
): Promise<string> {
  const { emailAddress } = await read(google, refreshToken, { path: `${ME}/profile` }, signal);
  if (typeof emailAddress !== "string") throw new MailboxError("unreachable", "Google names no address.");
  return emailAddress;
}

export function gmailAccount(google: Google, refreshToken: string, nowMs: () => number): MailAccount {
  const ask = (path: string, signal: AbortSignal) =>
    read(google, refreshToken, { path: `${ME}${path}` }, signal);

  return {
    async findNew(isKnown, signal) {
      const query = new URLSearchParams({
        maxResults: String(MESSAGES_MAX),
        q: "newer_than:30d -in:drafts -in:chats -in:spam -in:trash",
      });
      const listed = idsIn(await ask(`/messages?${query.toString()}`, signal));
      const known = await isKnown(listed);
      const unknown = listed.filter((id) => !known.has(id));
      const found: FoundMail[] = [];
      while (unknown.length > 0)
        found.push(...(await Promise.all(unknown.splice(0, CHUNK).map((id) => fetchMail(id, signal)))));
      return found;
    },

    async send(mail, signal) {
      const { raw, remoteThread } = mail;
      const body = {
        raw: Buffer.from(raw).toString("base64url"),
        ...(remoteThread === undefined ? {} : { threadId: remoteThread }),
      };
      try {
        const request = { path: `${ME}/messages/send`, body };
        const { status, json } = await google.call(refreshToken, request, signal);
        if (status === 200) return succeeded(json);
        if (status === 429) return { kind: "not_sent", detail: "Google asks to wait." };
        if (status >= 400 && status < 500)
          return { kind: "failed", reason: "not_taken", detail: `Google did not take it (${status}).` };
        throw new Error(`Google answered ${status}`);
      } catch (error) {
        if (error instanceof OutboundError && !error.sent) return { kind: "not_sent", detail: error.message };
        // No access token: nothing was asked of the API yet.
        if (!(error instanceof MailboxError)) throw error;
        if (error.code === "unreachable") return { kind: "not_sent", detail: error.message };
        return { kind: "failed", reason: "login_refused", detail: RECONNECT };
      }
    },

    async findSent({ draftId }, sentAtMs, signal) {
      const query = new URLSearchParams({
        maxResults: "100",
        labelIds: "SENT",
        q: `after:${Math.floor(sentAtMs / 1000) - 60}`,
      });
      for (const id of idsIn(await ask(`/messages?${query.toString()}`, signal))) {
        const sent = await ask(`/messages/${id}?format=metadata&metadataHeaders=${DRAFT_HEADER}`, signal);
        if (headersIn(sent).includes(draftId)) return succeeded(sent);
      }
      return nowMs() - sentAtMs > LOST_AFTER_MS
        ? {
            kind: "failed",
            reason: "not_taken",
            detail: "It is not among the sent mail: the request was lost.",
          }
        : { kind: "unknown", detail: "It is not among the sent mail yet." };
    },
  };

  async function fetchMail(id: string, signal: AbortSignal): Promise<FoundMail> {
    const message = await ask(`/messages/${id}?format=raw`, signal).catch((error: unknown) => {
      if (!(error instanceof OutboundError) || error.code !== "answer_too_large") throw error;
      // Of one with large files, what its headers and first words say.
      const headers = ["From", "To", "Subject", "Message-ID", "References", "In-Reply-To", "Reply-To"];
      const wanted = headers.map((name) => `&metadataHeaders=${name}`).join("");
      return ask(`/messages/${id}?format=metadata${wanted}`, signal);
    });
    const { threadId, internalDate, labelIds } = message;
    return {
      key: id,
      remoteThread: typeof threadId === "string" ? threadId : undefined,
      sentByUs: listOf(labelIds).includes("SENT"),
      occurredAtMs: Number(internalDate) || 0,
      raw: rawOf(message),
    };
  }
}

export const RECONNECT = "The mailbox does not let us in any more. Connect it again under Settings.";

async function read(
  google: Google,
  refreshToken: string,
  request: GoogleRequest,
  signal: AbortSignal,
): Promise<JsonObject> {
  const { status, json } = await google.call(refreshToken, request, signal).catch((error: unknown) => {
    if (error instanceof OutboundError && error.code === "answer_too_large") throw error;
    return unreachable(error);
  });
  if (status === 200) return json;
  const isRefusal = status === 401 || status === 403;
  throw new MailboxError(isRefusal ? "login_refused" : "unreachable", `Google answered ${status}.`);
}

function succeeded(message: JsonObject) {
  const key = typeof message["id"] === "string" ? message["id"] : "";
  const thread = typeof message["threadId"] === "string" ? message["threadId"] : "";
  return { kind: "succeeded", facts: { message_key: key, remote_thread: thread } } as const;
}

/** Ids become part of an address, so they are nothing but letters and digits. */
function idsIn({ messages }: JsonObject): string[] {
  return listOf(messages).flatMap((each) => {
    const { id } = Object(each);
    return typeof id === "string" && /^[0-9A-Za-z_-]{1,64}$/.test(id) ? [id] : [];
  });
}

function rawOf(message: JsonObject): Uint8Array | string {
  const { raw, snippet } = message;
  if (typeof raw === "string") return Buffer.from(raw, "base64url");
  const lines = headerPairsIn(message).map(([name, value]) => `${name}: ${value}\r\n`);
  const words = typeof snippet === "string" ? snippet : "";
  return `${lines.join("")}\r\n${words}`;
}

function headersIn(message: JsonObject): string[] {
  return headerPairsIn(message).map(([, value]) => value);
}

function headerPairsIn({ payload }: JsonObject): (readonly [string, string])[] {
  return listOf(Object(payload).headers).flatMap((each) => {
    const { name, value } = Object(each);
    return typeof name === "string" && typeof value === "string"
      ? [[name, value.replaceAll(/[\r\n]+/g, " ")] as const]
      : [];
  });
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}
