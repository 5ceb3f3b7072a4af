// What the holder of a client gives for a stream, and sees of it.

import type { StreamEvent } from "@openagents/streams";
import type { Checkpoint } from "./checkpoint.ts";

export type StreamBatch = {
  readonly streamId: string;
  /** The next ones, in order and without a gap; never empty. */
  readonly events: readonly StreamEvent[];
  /** Where the stream stands when these are applied. A handler with `HandlerCheckpoints` stores it with its effect. */
  readonly checkpoint: Checkpoint;
};

export type StreamSnapshot = {
  readonly streamId: string;
  /** The last event that is in it. */
  readonly seq: bigint;
  readonly chainHash: string;
  /** What a stream of this kind amounts to at `seq`. */
  readonly state: unknown;
};

export type StreamSpec = {
  readonly streamId: string;
  /**
   * Apply a batch whole or throw. Called for one batch at a time, in order. The
   * checkpoint moves after it has returned: the effect happens once per process,
   * and once for ever when the handler keeps the checkpoint in the transaction of
   * its effect (`HandlerCheckpoints`). When it throws, this stream stops
   * visibly and the same events come again later; other streams go on.
   */
  apply(batch: StreamBatch): Promise<void> | void;
  /**
   * Replace all that was made of the stream by a snapshot, whole or throw: what
   * the client would need next is not kept any more. Without it such a stream
   * stops visibly with `stale_cursor`.
   */
  install?(snapshot: StreamSnapshot, checkpoint: Checkpoint): Promise<void> | void;
};

export type StreamState =
  | { readonly kind: "connecting" }
  /** Reads what it missed: from where, how far it is, and how far it goes. */
  | { readonly kind: "replaying"; readonly fromSeq: bigint; readonly seq: bigint; readonly headSeq: bigint }
  | { readonly kind: "live"; readonly seq: bigint }
  | { readonly kind: "backoff"; readonly reason: string; readonly retryAtMs: number }
  /** What it needs next is not kept any more; it reads a snapshot. */
  | { readonly kind: "stale"; readonly seq: bigint; readonly reason: string }
  /** Nothing of this stream is applied until it is tried again. */
  | {
      readonly kind: "failed";
      readonly reason: StreamFailure;
      readonly message: string;
      readonly retryAtMs: number;
    }
  | { readonly kind: "stopped" };

/** Why a stream stopped; the server's own codes appear as `refused`. */
export type StreamFailure =
  | "payload_hash_mismatch"
  /** The server does not have the events that its head says it has. */
  | "gap_unfilled"
  /** The client applied more than the stream holds: it was put back to an older state. */
  | "ahead_of_head"
  | "stale_cursor"
  | "snapshot_failed"
  | "handler_failed"
  | "checkpoint_failed"
  | "refused";
