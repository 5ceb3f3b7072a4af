// Ends the stack of a data directory from outside, including what a killed one
// left behind.

import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { stopOrphanedDatabase } from "./database.ts";
import { dataDirAt, type DataDir } from "./data-dir.ts";
import { endHolder, type HolderEnd } from "./end-holder.ts";
import { takeLock, type FileLock } from "./lock.ts";
import { removeRecord } from "./record.ts";
import { StackError } from "./stack-error.ts";

export type StopOutcome = HolderEnd & {
  /** A database without its stack was found and ended. */
  readonly orphanedDatabase: boolean;
};

/** A drain finishes running requests; one that takes longer than this is stuck. */
const DRAIN_MS_MAX = 20_000;

const POLL_MS = 50;

/**
 * Ask the stack to stop and wait until it has; kill it when it does not within
 * 20 s. Repeating it is safe. Answers when nothing of the stack runs any more.
 */
export async function stopStack(dataDirPath: string): Promise<StopOutcome> {
  const dataDir = dataDirAt(dataDirPath);
  if (!existsSync(dataDir.lock)) return { outcome: "nothing_running", orphanedDatabase: false };

  let asked: StopOutcome = { outcome: "nothing_running", orphanedDatabase: false };
  let lock = takeLock(dataDir.lock);
  if (lock === undefined) {
    asked = { ...(await endHolder(dataDir.lock, DRAIN_MS_MAX)), orphanedDatabase: false };
    lock = await waitForLock(dataDir, 5_000);
  }
  if (lock === undefined) {
    throw new StackError(
      "lock_busy",
      `${dataDir.root} is in use by another command`,
      "try again in a moment",
    );
  }
  // Under the lock, so that no stack can start between the look and the clean-up.
  try {
    removeRecord(dataDir);
    const orphanedDatabase = await stopOrphanedDatabase(dataDir);
    return { ...asked, orphanedDatabase };
  } finally {
    lock.release();
  }
}

async function waitForLock(dataDir: DataDir, limitMs: number): Promise<FileLock | undefined> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const lock = takeLock(dataDir.lock);
    if (lock !== undefined || Date.now() >= deadline) return lock;
    await delay(POLL_MS);
  }
}
