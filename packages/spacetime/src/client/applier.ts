// Runs the handler of one stream and keeps where it stands: first the effect,
// then the cursor, then the checkpoint.

import type { StreamEvent } from "@openagents/streams";
import { CURSOR_START, installAt, takeBatch, type Batch, type Cursor } from "./apply.ts";
import { createChainMarks, type ChainMarks } from "./chain-marks.ts";
import type { Checkpoint, CheckpointStore, HandlerCheckpoints } from "./checkpoint.ts";
import { LaneFailure, textOf } from "./lane-failure.ts";
import type { StreamSnapshot, StreamSpec } from "./stream.ts";

export type Applier = {
  /** Undefined until `ready`, and after a handler has failed whose transaction may be committed all the same. */
  readonly cursor: Cursor | undefined;
  readonly marks: ChainMarks;
  /** The handler is at it. */
  readonly busy: boolean;
  /** Read the checkpoint, or keep the one that could not be kept before. */
  ready(): Promise<void>;
  /** Apply what is next of what was delivered; answers what was made of it. */
  apply(delivered: readonly StreamEvent[]): Promise<Batch>;
  install(snapshot: StreamSnapshot): Promise<void>;
};

/** All of it rejects with `LaneFailure`. `moved` is called when the cursor has. */
export function createApplier(
  stream: StreamSpec,
  checkpoints: CheckpointStore | HandlerCheckpoints,
  moved: () => void,
): Applier {
  const { streamId } = stream;
  const marks = createChainMarks();
  let cursor: Cursor | undefined;
  let unsaved: Checkpoint | undefined;
  let busy = false;

  function at(): Cursor {
    if (cursor === undefined) throw new Error("nothing is applied before the checkpoint is read");
    return cursor;
  }

  async function load(): Promise<void> {
    try {
      cursor = (await checkpoints.load(streamId)) ?? CURSOR_START;
    } catch (error) {
      throw new LaneFailure("checkpoint_failed", `the checkpoint could not be read: ${textOf(error)}`);
    }
    marks.pass(cursor);
  }

  async function handle(body: () => Promise<void> | void): Promise<void> {
    busy = true;
    try {
      await body();
    } catch (error) {
      // Its transaction may have been committed all the same: it knows, so it is asked.
      if ("savedBy" in checkpoints) cursor = undefined;
      throw new LaneFailure("handler_failed", textOf(error));
    } finally {
      busy = false;
    }
  }

  async function moveTo(next: Cursor): Promise<void> {
    cursor = next;
    marks.pass(next);
    moved();
    await save({ streamId, ...next });
  }

  async function save(checkpoint: Checkpoint): Promise<void> {
    if ("savedBy" in checkpoints) return;
    unsaved = checkpoint;
    try {
      await checkpoints.save(checkpoint);
      unsaved = undefined;
    } catch (error) {
      throw new LaneFailure("checkpoint_failed", `the checkpoint could not be kept: ${textOf(error)}`);
    }
  }

  return {
    get cursor() {
      return cursor;
    },
    marks,
    get busy() {
      return busy;
    },
    async ready() {
      if (cursor === undefined) await load();
      if (unsaved !== undefined) await save(unsaved);
    },
    async apply(delivered) {
      const batch = takeBatch(streamId, at(), delivered);
      const { events } = batch;
      if (events.length > 0) {
        await handle(() => stream.apply({ streamId, events, checkpoint: { streamId, ...batch.cursor } }));
        await moveTo(batch.cursor);
      }
      return batch;
    },
    async install(snapshot) {
      const { seq } = at();
      const next = installAt(at(), snapshot.seq, snapshot.chainHash);
      if (next === undefined) {
        const text = `the snapshot is of ${snapshot.seq}, and ${seq} is applied already`;
        throw new LaneFailure("snapshot_failed", text);
      }
      await handle(() => stream.install?.(snapshot, { streamId, ...next }));
      marks.clear();
      await moveTo(next);
    },
  };
}
