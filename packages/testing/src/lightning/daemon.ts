// One program of ours in the background: started, waited for, ended. Only ever
// the process that was started here.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, openSync, readFileSync, closeSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";

export type Daemon = {
  readonly pid: number;
  /** Kill without a word, as a crash would. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Ask it to end; after `patienceMs` end it. */
  stop(patienceMs?: number): Promise<void>;
  /** Wait until `ready` answers without throwing. Throws with the end of the log when the program ends first, or when it takes longer. */
  waitUntil<T>(what: string, ready: () => Promise<T>, withinMs?: number): Promise<T>;
};

const SETPRIV = "/usr/bin/setpriv";
const POLL_MS = 50;

export function startDaemon(name: string, program: string, args: readonly string[], logFile: string): Daemon {
  const log = openSync(logFile, "a", 0o600);
  // The kernel ends it when we die, however we die; elsewhere a kill -9 of us leaves it running.
  const tied = process.platform === "linux" && existsSync(SETPRIV);
  const child = tied
    ? spawn(SETPRIV, ["--pdeathsig", "KILL", "--", program, ...args], { stdio: ["ignore", log, log] })
    : spawn(program, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });

  return {
    pid: child.pid ?? -1,
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
    async stop(patienceMs = 20_000) {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), patienceMs);
      await gone;
      clearTimeout(late);
    },
    async waitUntil(what, ready, withinMs = 120_000) {
      const until = Date.now() + withinMs;
      for (;;) {
        try {
          return await ready();
        } catch (cause) {
          if (hasEnded(child) || Date.now() > until)
            throw new Error(`${name}: ${what} did not come\n${tailOf(logFile)}`, { cause });
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function tailOf(file: string): string {
  return readFileSync(file, "utf8").split("\n").slice(-25).join("\n");
}

/** Loopback ports that nobody listens on right now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
