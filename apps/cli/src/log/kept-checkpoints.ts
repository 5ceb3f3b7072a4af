// What a watcher remembers of a log: the last checkpoint that it verified, and
// of every contradiction both sides, signed by the log itself.

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { sha256Hex } from "@openagents/receipts";
import { readIfExists, writePrivateFile, makePrivateFolder } from "@openagents/stack";

export type KeptCheckpoints = {
  /** The file of the last checkpoint: what another watcher compares with. */
  readonly path: string;
  /** The last verified checkpoint; undefined at first. */
  last(): string | undefined;
  keep(note: string): void;
  /** Keep two checkpoints that contradict each other; answers their folder. */
  keepEvidence(kept: string, seen: string): string;
};

export function keptCheckpoints(dataDir: string, logKey: string): KeptCheckpoints {
  const folder = join(dataDir, "log-watch", sha256Hex(logKey).slice(0, 16));
  makePrivateFolder(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "checkpoint");
  return {
    path,
    last: () => readIfExists(path),
    keep(note) {
      if (readIfExists(path) !== note) writePrivateFile(path, note);
    },
    keepEvidence(kept, seen) {
      // By content, so that watching on does not fill the disk with the same pair.
      const name = `contradiction-${sha256Hex(kept + seen).slice(0, 16)}`;
      const evidence = join(folder, name);
      if (!readdirSync(folder).includes(name)) {
        mkdirSync(evidence, { mode: 0o700 });
        writePrivateFile(join(evidence, "kept"), kept);
        writePrivateFile(join(evidence, "seen"), seen);
      }
      return evidence;
    },
  };
}
