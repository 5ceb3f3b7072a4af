// A client of the sync lane on the running stack, as its owner.

import type { SyncClient, SyncClientOptions } from "@openagents/spacetime";
import { dataDirAt, loadKeys, localOwner, mintSyncToken } from "@openagents/stack";
import type { Connection } from "../connection.ts";
import { dataDirOf, type Context, type DataDirOption } from "../context.ts";

/** Seconds that a token lives: several sessions of a long tail renew it. */
const TOKEN_S = 300;

/** Follows the named streams; nothing is kept between two commands, so each begins where it says. */
export async function openSyncClient(
  context: Context,
  options: DataDirOption,
  connection: Connection,
  streams: readonly string[],
  rest: Pick<SyncClientOptions, "checkpoints" | "onStatus">,
): Promise<SyncClient> {
  // Loaded here because most commands follow nothing and must start fast.
  const { runtimeReaders, startSyncClient } = await import("@openagents/spacetime");
  const keys = loadKeys(dataDirAt(dataDirOf(context, options)));
  return startSyncClient({
    ...rest,
    ...runtimeReaders(connection.client),
    url: connection.record.syncUrl,
    token: async () => {
      const nowMs = context.nowMs();
      const token = await mintSyncToken(keys, { ...localOwner(keys), streams, ttlSeconds: TOKEN_S }, nowMs);
      return { token, expiresAtMs: nowMs + TOKEN_S * 1000 };
    },
  });
}
