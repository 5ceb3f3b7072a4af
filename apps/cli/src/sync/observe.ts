// What a stack's sync server delivers at this moment.

import { dataDirAt, loadKeys, mintSyncToken, type StackRecord } from "@openagents/stack";
import { dataDirOf, type Context, type DataDirOption } from "../context.ts";

export type FollowedStream = {
  readonly stream_id: string;
  readonly followers: number;
  readonly head_seq: number;
  /** Events that the follower who is most behind has not got. */
  readonly lag_events: number;
};

export type Delivery = { readonly sessions: number; readonly streams: readonly FollowedStream[] };

const ASK_MS_MAX = 3_000;

/** Those first that are most behind. Undefined when the server does not tell: `status` must work while it is unwell. */
export async function observeSync(
  context: Context,
  options: DataDirOption,
  record: StackRecord,
): Promise<Delivery | undefined> {
  try {
    const keys = loadKeys(dataDirAt(dataDirOf(context, options)));
    const request = { streams: [], scopes: ["sync.observe"], ttlSeconds: 60 };
    const token = await mintSyncToken(keys, request, context.nowMs());
    const response = await fetch(`${record.syncUrl}/v1/streams`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ASK_MS_MAX),
    });
    return response.ok ? ((await response.json()) as Delivery) : undefined;
  } catch {
    return undefined;
  }
}
