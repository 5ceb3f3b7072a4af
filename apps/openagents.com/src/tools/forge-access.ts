// A forge as an organisation has connected it: with the token that it sealed, at
// the address that it named, and nothing that is not on the public internet.

import { ForgeError, connectForge, type Forge } from "@openagents/autopilot";
import type { JsonObject } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { OutboundError, type Outbound } from "@openagents/service";

export type Connection = { readonly baseUrl: string; readonly secret: string };

export type FindConnection = (
  q: Queryable,
  org: string,
  provider: "github" | "forgejo",
) => Promise<Connection | undefined>;

export type ForgeAccess = { readonly findConnection: FindConnection; readonly outbound: Outbound };

export function providerOf({ forge }: JsonObject): "github" | "forgejo" {
  return forge === "forgejo" ? "forgejo" : "github";
}

/** Where its pages are; GitHub's API is at another name than they are. */
export function originOf({ baseUrl }: Connection): string {
  const { origin } = new URL(baseUrl);
  return origin === "https://api.github.com" ? "https://github.com" : origin;
}

export function openForge(
  { outbound }: ForgeAccess,
  connection: Connection,
  { repository }: JsonObject,
  signal: AbortSignal,
): Promise<Forge> {
  const [owner = "", name = ""] = typeof repository === "string" ? repository.split("/") : [];
  const address = { origin: originOf(connection), owner, name };
  return connectForge(address, { token: connection.secret, signal, fetch: fetchOver(outbound) });
}

/** `fetch`, for the little that a forge is asked, over what reaches no private address. */
function fetchOver(outbound: Outbound): typeof fetch {
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    const answer = await outbound
      .send({
        method: init.method === "POST" ? "POST" : "GET",
        url,
        headers: Object.fromEntries(new Headers(init.headers)),
        ...(typeof init.body === "string" ? { body: init.body } : {}),
        ...(init.signal instanceof AbortSignal ? { signal: init.signal } : {}),
      })
      .catch((cause: unknown) => {
        // The port tells by it what certainly was not sent.
        if (cause instanceof OutboundError && !cause.sent)
          throw new ForgeError("forge_unreachable", cause.message, "rejected", undefined, cause);
        throw cause;
      });
    return new Response(answer.body, { status: answer.status });
  };
}
