// One look at a log by someone who remembers the last one.
//
// WATCH-1  A kept checkpoint is only replaced by one that was shown to go on from it.
// WATCH-2  A contradiction keeps both signed checkpoints and is told by each later look as well.
// Held by tests/log.e2e.test.ts.

import { NoteError, openCheckpoint, type Checkpoint, type NoteKey } from "@openagents/receipts";
import { findContradiction, type Contradiction, type ReadTile } from "./compare-heads.ts";
import type { KeptCheckpoints } from "./kept-checkpoints.ts";

export type LogSource = { readonly checkpoint: () => Promise<string>; readonly readTile: ReadTile };

export type Look =
  | {
      readonly kind: "first" | "unchanged" | "grown";
      readonly head: Checkpoint;
      readonly before?: Checkpoint;
    }
  /** The checkpoint is not one by the log's key. */
  | { readonly kind: "unsigned"; readonly detail: string }
  | {
      readonly kind: Contradiction | "rollback";
      readonly head: Checkpoint;
      readonly before: Checkpoint;
      readonly evidence: string;
    };

/** Throws what `source` throws: a log that cannot be read has contradicted nothing. */
export async function lookAtLog(source: LogSource, key: NoteKey, kept: KeptCheckpoints): Promise<Look> {
  const note = await source.checkpoint();
  let head: Checkpoint;
  try {
    head = openCheckpoint(note, key);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    return { kind: "unsigned", detail: error.message };
  }
  const last = kept.last();
  if (last === undefined) {
    kept.keep(note);
    return { kind: "first", head };
  }
  const before = openCheckpoint(last, key);
  // What the log had shown is gone; whether what is left agrees does not matter.
  const wrong = head.size < before.size ? "rollback" : await findContradiction(before, head, source.readTile);
  if (wrong !== undefined) return { kind: wrong, head, before, evidence: kept.keepEvidence(last, note) };
  kept.keep(note);
  return { kind: head.size === before.size ? "unchanged" : "grown", head, before };
}
