// All of a stream over the sync lane, and whether it is what the runtime and the log say.

import type { Completeness } from "@openagents/spacetime";
import type { Connection } from "../connection.ts";
import type { Context, DataDirOption } from "../context.ts";
import { openSyncClient } from "./open-client.ts";

export type StreamToProve = {
  readonly streamId: string;
  /** All up to this one are read first. */
  readonly headSeq: bigint;
  readonly signal: AbortSignal;
};

/** Undefined when it was stopped before it was done. */
export async function proveStream(
  context: Context,
  options: DataDirOption,
  connection: Connection,
  { streamId, headSeq, signal }: StreamToProve,
): Promise<Completeness | undefined> {
  const { memoryCheckpoints } = await import("@openagents/spacetime");
  const read = Promise.withResolvers<void>();
  const client = await openSyncClient(context, options, connection, [streamId], {
    checkpoints: memoryCheckpoints(),
    onStatus({ streams }) {
      const state = streams.get(streamId);
      if (state?.kind === "live" && state.seq >= headSeq) read.resolve();
      if (state?.kind === "failed") read.reject(new Error(state.message));
    },
  });
  client.follow({ streamId, apply: () => undefined });
  signal.addEventListener("abort", () => read.resolve(), { once: true });
  if (signal.aborted) read.resolve();
  try {
    await read.promise;
    return signal.aborted ? undefined : await client.proveComplete(streamId);
  } finally {
    await client.stop();
  }
}
