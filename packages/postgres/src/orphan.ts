// A server whose parent was killed may still run on its data directory, or may
// have left a pid file that a new server would stumble over.

import { existsSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";

const WAIT_MS = { fast: 10_000, immediate: 5_000 } as const;

/**
 * Stop a server that still runs on `dataDir`, and remove a stale pid file. Only
 * a process that is a PostgreSQL with our mark or on this very directory is
 * touched; any other that has the number is left alone.
 */
export async function endOrphan(dataDir: string, mark: string): Promise<void> {
  const pidFile = join(dataDir, "postmaster.pid");
  const pid = readPid(pidFile);
  if (pid === undefined) return;
  if (isOurServer(pid, dataDir, mark)) {
    process.kill(pid, "SIGINT");
    if (!(await gone(pid, dataDir, mark, WAIT_MS.fast))) {
      process.kill(pid, "SIGQUIT");
      if (!(await gone(pid, dataDir, mark, WAIT_MS.immediate))) {
        throw new Error(`a PostgreSQL (pid ${pid}) still runs on ${dataDir} and does not stop`);
      }
    }
  }
  rmSync(pidFile, { force: true });
}

function readPid(pidFile: string): number | undefined {
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, "utf8").split("\n", 1)[0]);
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
}

/** A zombie has no executable any more and counts as gone. */
function isOurServer(pid: number, dataDir: string, mark: string): boolean {
  try {
    if (!readlinkSync(`/proc/${pid}/exe`).endsWith("/postgres")) return false;
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return commandLine.includes(mark) || commandLine.includes(`\0${dataDir}\0`);
  } catch {
    return false;
  }
}

async function gone(pid: number, dataDir: string, mark: string, limitMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + limitMs;
  while (isOurServer(pid, dataDir, mark)) {
    if (performance.now() > deadlineMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
