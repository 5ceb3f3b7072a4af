// What a client reads of the runtime over HTTP beside its streams.

import { ProblemError, Streams, createClient, type ClientOptions } from "@openagents/contracts";
import type { ReadDigest, LoggedHead } from "./prove.ts";
import type { StreamSnapshot } from "./stream.ts";

export type RuntimeReaders = {
  readonly readSnapshot: (streamId: string, signal: AbortSignal) => Promise<StreamSnapshot>;
  readonly readDigest: ReadDigest;
  readonly readLoggedHeads: (streamId: string) => Promise<readonly LoggedHead[]>;
};

/** Over the runtime's HTTP, with the caller's own access token (scope `streams:read`). */
export function runtimeReaders(options: ClientOptions): RuntimeReaders {
  const streams = createClient(Streams, options);
  return {
    async readSnapshot(streamId, signal) {
      const { seq, chainHash, snapshot } = await streams.getStreamSnapshot({ streamId }, { signal });
      return { streamId, seq, chainHash, state: snapshot };
    },
    async readDigest(streamId, seq) {
      try {
        const { chainHash, headSeq } = await streams.getStreamDigest({ streamId, from: seq, to: seq });
        return { chainHash, headSeq };
      } catch (error) {
        if (error instanceof ProblemError && error.code === "not_reached") return undefined;
        throw error;
      }
    },
    async readLoggedHeads(streamId) {
      return (await streams.listStreamHeads({ streamId })).heads;
    },
  };
}
