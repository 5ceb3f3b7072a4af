// One stack per data directory.
//
// The lock is the kernel's, on an open file: it ends with the process however
// that ends, so a dead holder needs no clean-up and two takers can never both
// win. The file's text only tells people who holds it; it decides nothing.

import { spawnSync } from "node:child_process";
import { closeSync, constants, ftruncateSync, openSync, writeSync } from "node:fs";
import { readIfExists } from "./private-files.ts";
import { identify, isAlive, type ProcessIdentity } from "./process-identity.ts";
import { StackError } from "./stack-error.ts";

export type FileLock = {
  /** Give the lock back. Safe to call twice. */
  release(): void;
};

/**
 * Take the exclusive lock on a file, made when absent, and write who we are into
 * it. Answers undefined when another process holds it, after at most
 * `waitSeconds`. Throws `lock_failed` when the file system cannot lock.
 */
export function takeLock(path: string, waitSeconds = 0): FileLock | undefined {
  const fd = openLockFile(path);
  try {
    if (!lockOpenFile(fd, path, "exclusive", waitSeconds)) {
      closeSync(fd);
      return undefined;
    }
    ftruncateSync(fd);
    writeSync(fd, `${JSON.stringify(identify(process.pid))}\n`, 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }

  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      // Never unlinked: a second taker may already have this very file open.
      ftruncateSync(fd);
      closeSync(fd);
    },
  };
}

/**
 * Share the lock on a file with others; nobody takes it exclusively meanwhile.
 * Answers undefined when somebody has. Throws `lock_failed`.
 */
export function shareLock(path: string): FileLock | undefined {
  const fd = openLockFile(path);
  try {
    if (!lockOpenFile(fd, path, "shared", 0)) {
      closeSync(fd);
      return undefined;
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

function openLockFile(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
}

/** Who wrote itself into the lock file and still runs. */
export function findHolder(path: string): ProcessIdentity | undefined {
  const holder = parseIdentity(readIfExists(path) ?? "");
  return holder !== undefined && isAlive(holder) ? holder : undefined;
}

/**
 * Node has no flock(2). A lock belongs to the open file, not to the process that
 * asked for it, so util-linux's `flock` can take it on our descriptor and leave:
 * the lock then lives as long as our descriptor. (Node opens files close-on-exec,
 * so the database that we start does not keep it.)
 */
function lockOpenFile(fd: number, path: string, mode: "exclusive" | "shared", waitSeconds: number): boolean {
  const wait = waitSeconds > 0 ? ["--timeout", String(waitSeconds)] : ["--nonblock"];
  const flock = spawnSync("flock", [`--${mode}`, ...wait, "3"], {
    stdio: ["ignore", "ignore", "pipe", fd],
    timeout: (waitSeconds + 10) * 1000,
  });
  if (flock.status === 0) return true;
  const said = flock.stderr?.toString().trim() ?? "";
  if (flock.status === 1 && said === "") return false;
  const because = flock.error === undefined ? said : flock.error.message;
  throw new StackError(
    "lock_failed",
    `${path} cannot be locked: ${because || `flock ended with ${flock.status ?? flock.signal}`}`,
    "install util-linux, and keep the data directory on a local file system",
    flock.error,
  );
}

function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const { pid, startTicks, bootId } = JSON.parse(text);
    if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
    if (typeof startTicks !== "string" || typeof bootId !== "string") return undefined;
    return { pid, startTicks, bootId };
  } catch {
    return undefined;
  }
}
