// A run's events as they come, over the sync lane, until it is finished.

import type { JsonObject, Run } from "@openagents/contracts";
import { streamId } from "@openagents/streams";
import type { Connection } from "../connection.ts";
import type { Context, DataDirOption } from "../context.ts";
import { followStream } from "../sync/index.ts";

export type FollowedEvent = {
  /** Number in the run's log. */
  readonly seq: bigint;
  readonly eventType: string;
  readonly payload: JsonObject;
  readonly recordedAt: number;
};

/** What a stream's event of a run says, as the runtime publishes it. */
type RunPayload = {
  readonly kind: string;
  readonly occurred_at: string;
  readonly payload: { readonly seq: number; readonly payload: JsonObject };
};

/** Shows each event behind `afterSeq` once, in order. Resolves when the run is finished or the signal aborts. */
export function followRunEvents(
  context: Context,
  options: DataDirOption,
  connection: Connection,
  follow: {
    readonly run: Pick<Run, "runId" | "forkSeq">;
    readonly afterSeq: bigint;
    readonly signal: AbortSignal;
    readonly show: (event: FollowedEvent) => void;
  },
): Promise<void> {
  const { run, afterSeq, signal, show } = follow;
  // A fork's log goes on counting where its origin was left; its stream begins at 1.
  const before = afterSeq - (run.forkSeq ?? 0n);
  return followStream(context, options, connection, {
    streamId: streamId("run", run.runId),
    afterSeq: before < 0n ? 0n : before,
    signal,
    onEvent(event) {
      const { kind, occurred_at: occurredAt, payload } = JSON.parse(event.payload) as RunPayload;
      show({
        seq: BigInt(payload.seq),
        eventType: kind,
        payload: payload.payload,
        recordedAt: Date.parse(occurredAt),
      });
      return kind === "run.finished" || !context.out.isOpen();
    },
  });
}
