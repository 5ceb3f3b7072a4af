// Ends the process that holds a lock, from outside: asked first, killed when it
// does not end in time. The very process, not whoever has its number by now.

import { setTimeout as delay } from "node:timers/promises";
import { findHolder } from "./lock.ts";
import { isAlive } from "./process-identity.ts";

export type HolderEnd = {
  /** `killed`: it did not end by itself in time. */
  readonly outcome: "nothing_running" | "stopped" | "killed";
  readonly pid?: number;
};

const POLL_MS = 50;
/** A killed process is gone as soon as the kernel has taken it apart. */
const KILLED_MS_MAX = 5_000;

/** Send SIGTERM, wait up to `limitMs`, then SIGKILL. Answers when it is gone. Repeating it is safe. */
export async function endHolder(lockFile: string, limitMs: number): Promise<HolderEnd> {
  const holder = findHolder(lockFile);
  if (holder === undefined) return { outcome: "nothing_running" };
  const ended = async (withinMs: number) => {
    const deadline = Date.now() + withinMs;
    while (isAlive(holder)) {
      if (Date.now() >= deadline) return false;
      await delay(POLL_MS);
    }
    return true;
  };
  signal(holder.pid, "SIGTERM");
  if (await ended(limitMs)) return { outcome: "stopped", pid: holder.pid };
  signal(holder.pid, "SIGKILL");
  await ended(KILLED_MS_MAX);
  return { outcome: "killed", pid: holder.pid };
}

/** A process that ended meanwhile is what was wanted. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
