// From a sync token to an open session. A WebSocket tells its opener nothing
// about a refusal, so the token is shown over HTTP first: whoever is refused
// reads why, and only a token for this one purpose stands in an address.

import { COMPATIBILITY_WINDOW } from "@openagents/contracts";
import { MODULE_NAME } from "../protocol/index.ts";
import { openSession } from "./open-session.ts";
import { SessionLost, type SyncSession } from "./session.ts";
import type { OpenSocket } from "./socket.ts";
import type { Timers } from "./timers.ts";

export type Connection = {
  /** `http://…` or `https://…` of the sync server. */
  readonly url: string;
  readonly buildId: string | undefined;
  readonly compression: "None" | "Gzip";
  readonly openSocket: OpenSocket;
  readonly fetch: typeof fetch;
  readonly timers: Timers;
};

const ANSWER_MS_MAX = 10_000;

/** Rejects with `SessionLost`, whose message begins with why. */
export async function connect(
  connection: Connection,
  token: string,
  signal: AbortSignal,
): Promise<SyncSession> {
  const { url, compression, openSocket, timers } = connection;
  const address = new URL(`/v1/database/${MODULE_NAME}/subscribe`, url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("token", await socketToken(connection, token, signal));
  address.searchParams.set("compression", compression);
  for (const [name, value] of versionsOf(connection)) address.searchParams.set(name, value);
  return await openSession({ url: address.href, openSocket, timers, signal });
}

async function socketToken(connection: Connection, token: string, signal: AbortSignal): Promise<string> {
  const { url, fetch, timers } = connection;
  const giveUp = new AbortController();
  const cancel = timers.after(ANSWER_MS_MAX, () => giveUp.abort(new Error("no answer")));
  try {
    const response = await fetch(new URL("/v1/identity/websocket-token", url), {
      method: "POST",
      headers: [...versionsOf(connection), ["authorization", `Bearer ${token}`]],
      signal: AbortSignal.any([signal, giveUp.signal]),
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw new SessionLost(refusalText(response.status, body));
    const { token: forSocket } = fieldsOf(body);
    if (typeof forSocket !== "string") throw new SessionLost("malformed_message: no token came back");
    return forSocket;
  } catch (error) {
    if (error instanceof SessionLost) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new SessionLost(`unreachable: ${cause instanceof Error ? cause.message : String(cause)}`);
  } finally {
    cancel();
  }
}

/** As headers, and as parameters of the socket's address, which takes no headers. */
function versionsOf({ buildId }: Connection): [string, string][] {
  const { protocolVersion, schemaVersionMax } = COMPATIBILITY_WINDOW;
  return [
    ["x-oa-protocol-version", protocolVersion],
    ["x-oa-schema-version", String(schemaVersionMax)],
    ...(buildId === undefined ? [] : [["x-oa-client-build-id", buildId] satisfies [string, string]]),
  ];
}

function refusalText(status: number, body: unknown): string {
  const { code, detail, title } = fieldsOf(body);
  const reason = typeof code === "string" ? code : `http_${status}`;
  const text = [detail, title].find((one) => typeof one === "string");
  return text === undefined ? reason : `${reason}: ${String(text)}`;
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
}
