// Runs the command line as users do: as a process, with a home of its own.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

export type Home = {
  readonly folder: string;
  /** Run a command to its end. */
  run(args: readonly string[], stdin?: string | Uint8Array): Promise<Ended>;
  /** Start a command and go on; its output is collected. */
  start(args: readonly string[], options?: StartOptions): Started;
};

export type StartOptions = {
  readonly ownGroup?: boolean;
  /** On top of ours. */
  readonly env?: Readonly<Record<string, string>>;
};

export type Started = {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Wait until standard output matches; rejects when the command ends before. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same of standard error. */
  waitForError(pattern: RegExp): Promise<RegExpExecArray>;
};

/** A fresh OPENAGENTS_HOME below `parent`; whatever runs on it is ended when the test is. */
export function freshHome(t: TestContext, parent: string = tmpdir()): Home {
  const folder = mkdtempSync(join(parent, "oa-e2e-"));
  const home: Home = {
    folder,
    run(args, stdin = "") {
      const started = home.start(args);
      started.child.stdin?.end(stdin);
      return started.ended;
    },
    start(args, options = {}) {
      const { DATABASE_URL: _database, ...env } = process.env;
      const child = spawn(process.execPath, [MAIN, ...args], {
        env: { ...env, OPENAGENTS_HOME: folder, NO_COLOR: "1", ...options.env },
        stdio: ["pipe", "pipe", "pipe"],
        detached: options.ownGroup === true,
      });
      return watch(child);
    },
  };
  t.after(async () => {
    for (const pid of sellersOf(folder)) process.kill(pid, "SIGKILL");
    await home.run(["down"]);
    rmSync(folder, { recursive: true, force: true });
  });
  return home;
}

/** Providers that still sell from that folder. */
function sellersOf(folder: string): number[] {
  const providers = join(folder, "providers");
  if (!existsSync(providers)) return [];
  const records = readdirSync(providers).map((seat) => join(providers, seat, "provider.json"));
  return records
    .filter((record) => existsSync(record))
    .map((record) => Number(JSON.parse(readFileSync(record, "utf8")).pid))
    .filter(isRunning);
}

function watch(child: ChildProcess): Started {
  const output = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.err += text));
  child.stdin?.on("error", () => undefined);
  const ended = once(child, "close").then(([code]): Ended => ({ code, ...output }));
  const waitIn = async (stream: "out" | "err", pattern: RegExp) => {
    const source = (stream === "out" ? child.stdout : child.stderr) ?? child;
    for (;;) {
      const match = pattern.exec(output[stream]);
      if (match !== null) return match;
      const next = await Promise.race([once(source, "data"), ended]);
      if (!Array.isArray(next) && pattern.exec(output[stream]) === null) {
        throw new Error(`ended before ${pattern}: ${JSON.stringify(next)}`);
      }
    }
  };
  return {
    child,
    ended,
    waitFor: (pattern) => waitIn("out", pattern),
    waitForError: (pattern) => waitIn("err", pattern),
  };
}

/** The embedded server's process, as its own pid file says. */
export function postmasterOf(home: Home, dataDir: string = home.folder): number {
  return Number(readFileSync(join(dataDir, "postgres", "postmaster.pid"), "utf8").split("\n")[0]);
}

/** Whether a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Wait until something holds; rejects after half a minute. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("it never came to hold");
    await delay(20);
  }
}
