// One stream as it comes, from an event on, until somebody stops it.

import type { StreamEvent } from "@openagents/streams";
import type { StreamState, SyncStatus } from "@openagents/spacetime";
import type { Connection } from "../connection.ts";
import type { Context, DataDirOption } from "../context.ts";
import { openSyncClient } from "./open-client.ts";

export type Follow = {
  readonly streamId: string;
  /** Events after this one. */
  readonly afterSeq: bigint;
  readonly signal: AbortSignal;
  /** Whether this was the last event that is wanted. */
  onEvent(event: StreamEvent): boolean | void;
  /** How it stands, where that changes. */
  onState?(state: StreamState): void;
};

/** Resolves at the end that the caller chose, or when the signal aborts. Throws what ends the stream for good. */
export async function followStream(
  context: Context,
  options: DataDirOption,
  connection: Connection,
  follow: Follow,
): Promise<void> {
  const { CHAIN_START } = await import("@openagents/streams");
  const { streamId, afterSeq, signal } = follow;
  const done = Promise.withResolvers<void>();
  let shown = "";
  const onStatus = ({ streams }: SyncStatus) => {
    const state = streams.get(streamId);
    if (state === undefined || JSON.stringify(state.kind) === shown) return;
    shown = JSON.stringify(state.kind);
    follow.onState?.(state);
    if (state.kind === "failed" && FINAL.has(state.reason)) done.reject(new Error(state.message));
  };
  // Where to begin is the caller's choice, so the chain before it is not this client's to know.
  const from = { streamId, seq: afterSeq, chainHash: CHAIN_START, baseSeq: afterSeq };
  const client = await openSyncClient(context, options, connection, [streamId], {
    checkpoints: { load: async () => (afterSeq === 0n ? undefined : from), save: async () => undefined },
    onStatus,
  });
  client.follow({
    streamId,
    apply({ events }) {
      for (const event of events) {
        if (follow.onEvent(event) !== true) continue;
        done.resolve();
        return;
      }
    },
  });
  signal.addEventListener("abort", () => done.resolve(), { once: true });
  if (signal.aborted) done.resolve();
  try {
    await done.promise;
  } finally {
    await client.stop();
  }
}

/** What trying again does not change. */
const FINAL: ReadonlySet<string> = new Set([
  "payload_hash_mismatch",
  "ahead_of_head",
  "stale_cursor",
  "refused",
]);
