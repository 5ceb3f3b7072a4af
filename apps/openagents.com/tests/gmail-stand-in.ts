// A stand-in for Google, for tests: its token endpoint and as much of its API of mail as
// is called, on loopback. It sends nothing to anybody.

import { hash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import type { ControlConfig } from "@openagents/control";

/** What it does with the next mail that it is to send. */
export type SendFault = "drop_reply" | "hold_reply" | "refuse" | "busy";

type StoredMail = {
  readonly id: string;
  readonly threadId: string;
  readonly raw: string;
  readonly sent: boolean;
};

export type GmailStandIn = {
  readonly settings: NonNullable<ControlConfig["google"]>;
  readonly mails: readonly StoredMail[];
  /** Mails that it was asked to send. */
  readonly sends: readonly string[];
  /** Refreshes so far. */
  refreshes: number;
  readonly faults: SendFault[];
  /** What is granted; both that are asked for at first. */
  scope: string;
  /** The account's address. */
  address: string;
  /** Whether the grant was taken back by the person. */
  revoked: boolean;
  /** Whether what was sent is not shown among the sent mail yet. */
  hidesSent: boolean;
  /** Once a mail was taken whose answer is held. */
  readonly holds: Promise<void>;
  /** Access tokens that were given are not taken any more. */
  forgetAccessTokens(): void;
  /** A mail comes in; answers its id. */
  receive(mail: {
    readonly from: string;
    readonly subject: string;
    readonly text: string;
    readonly threadId?: string;
    readonly headers?: string;
  }): string;
  /** The person says yes at the address that they were sent to; answers what they come back with. */
  authorize(url: string): { readonly state: string; readonly code: string };
};

const REFRESH_TOKEN = "1//stand-in-refresh-token";

export async function startGmailStandIn(t: TestContext): Promise<GmailStandIn> {
  const mails: StoredMail[] = [];
  const sends: string[] = [];
  const codes = new Map<string, { readonly challenge: string; readonly redirectUri: string }>();
  const accessTokens = new Set<string>();
  const holds = Promise.withResolvers<void>();
  const startedAtMs = Date.now() - 3_600_000;
  let lastId = 0;
  const nextId = () => `${(lastId += 1)}`.padStart(6, "m");

  const say = (response: ServerResponse, status: number, body: object) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

  const giveToken = (response: ServerResponse, extra: object) => {
    const token = `ya29.stand-in-${accessTokens.size}-${standIn.refreshes}`;
    accessTokens.add(token);
    say(response, 200, { access_token: token, expires_in: 3600, scope: standIn.scope, ...extra });
  };

  const tokenEndpoint = (form: URLSearchParams, response: ServerResponse) => {
    const isClient = form.get("client_id") === "client" && form.get("client_secret") === "client-secret";
    if (!isClient) return say(response, 401, { error: "invalid_client" });
    if (form.get("grant_type") === "refresh_token") {
      standIn.refreshes += 1;
      const isGood = form.get("refresh_token") === REFRESH_TOKEN && !standIn.revoked;
      return isGood ? giveToken(response, {}) : say(response, 400, { error: "invalid_grant" });
    }
    const code = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const isProven =
      code?.redirectUri === form.get("redirect_uri") &&
      hash("sha256", form.get("code_verifier") ?? "", "base64url") === code?.challenge;
    if (!isProven) return say(response, 400, { error: "invalid_grant" });
    giveToken(response, { refresh_token: REFRESH_TOKEN });
  };

  const send = (body: string, response: ServerResponse) => {
    const { raw, threadId } = JSON.parse(body);
    const fault = standIn.faults.shift();
    sends.push(Buffer.from(raw, "base64url").toString());
    if (fault === "refuse") return say(response, 400, { error: {} });
    if (fault === "busy") return say(response, 429, { error: {} });
    const id = nextId();
    mails.unshift({ id, threadId: threadId ?? id, raw, sent: true });
    if (fault === "drop_reply") return void response.destroy();
    if (fault === "hold_reply") return holds.resolve();
    say(response, 200, { id, threadId: threadId ?? id });
  };

  const authorizePage = (url: URL, response: ServerResponse) => {
    const back = new URL(url.searchParams.get("redirect_uri") ?? "");
    back.search = new URLSearchParams(standIn.authorize(url.toString())).toString();
    const link = back.toString().replaceAll("&", "&amp;");
    response
      .writeHead(200, { "content-type": "text/html" })
      .end(
        `<!doctype html><title>Stand-in</title><p>This is a stand-in for Google.</p><a href="${link}">Allow</a>`,
      );
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "", "http://stand-in");
    const body = await text(request);
    if (url.pathname === "/authorize") return authorizePage(url, response);
    if (url.pathname === "/token") return tokenEndpoint(new URLSearchParams(body), response);
    if (!accessTokens.has((request.headers.authorization ?? "").replace("Bearer ", "")))
      return say(response, 401, { error: {} });
    const path = url.pathname.replace("/gmail/v1/users/me", "");
    if (path === "/profile") return say(response, 200, { emailAddress: standIn.address });
    if (path === "/messages/send") return send(body, response);
    if (path === "/messages") {
      const wanted = mails.filter(({ sent }) =>
        sent ? !standIn.hidesSent : url.searchParams.get("labelIds") !== "SENT",
      );
      return say(response, 200, { messages: wanted.map(({ id, threadId }) => ({ id, threadId })) });
    }
    const mail = mails.find(({ id }) => path === `/messages/${id}`);
    if (mail === undefined) return say(response, 404, { error: {} });
    const { id, threadId, raw } = mail;
    const internalDate = String(startedAtMs + Number(id.replaceAll("m", "")) * 1000);
    const labelIds = mail.sent ? ["SENT"] : ["INBOX"];
    if (url.searchParams.get("format") === "raw")
      return say(response, 200, { id, threadId, labelIds, raw, internalDate });
    const head = Buffer.from(raw, "base64url").toString().split("\r\n\r\n", 1)[0] ?? "";
    const headers = head.split("\r\n").map((line) => {
      const [name = "", ...value] = line.split(": ");
      return { name, value: value.join(": ") };
    });
    const wanted = url.searchParams.getAll("metadataHeaders").map((name) => name.toLowerCase());
    const payload = { headers: headers.filter(({ name }) => wanted.includes(name.toLowerCase())) };
    say(response, 200, { id, threadId, labelIds, payload, internalDate });
  };

  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const standIn: GmailStandIn = {
    settings: {
      clientId: "client",
      clientSecret: "client-secret",
      authorizeUrl: `${origin}/authorize`,
      tokenUrl: `${origin}/token`,
      apiUrl: origin,
    },
    mails,
    sends,
    refreshes: 0,
    faults: [],
    scope: "https://www.googleapis.com/auth/gmail.readonly https://www.googleapis.com/auth/gmail.send",
    address: "ann@example.org",
    revoked: false,
    hidesSent: false,
    holds: holds.promise,
    forgetAccessTokens: () => accessTokens.clear(),
    receive({ from, subject, text: body, threadId, headers = "" }) {
      const id = nextId();
      const raw = `From: ${from}\r\nTo: ann@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${id}@stand-in.example>\r\n${headers}\r\n${body}`;
      mails.unshift({
        id,
        threadId: threadId ?? id,
        raw: Buffer.from(raw).toString("base64url"),
        sent: false,
      });
      return id;
    },
    authorize(url) {
      const asked = new URL(url).searchParams;
      const code = `code-${crypto.randomUUID()}`;
      codes.set(code, {
        challenge: asked.get("code_challenge") ?? "",
        redirectUri: asked.get("redirect_uri") ?? "",
      });
      return { state: asked.get("state") ?? "", code };
    },
  };
  return standIn;
}
