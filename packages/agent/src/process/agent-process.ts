// An agent's process and everything that it starts, as one thing that can be
// ended. It leads a process group of its own, so that the terminal's Ctrl-C
// reaches us alone and we can end it in good order.

import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { AgentError } from "../agent.ts";

const STDERR_CHARS_MAX = 2_000;

/** After its input closed, and after SIGTERM, a process has this long to end by itself. */
const GRACE_MS = 2_000;

export type AgentProcess = {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves with words for how it ended: code or signal, and the tail of its errors. */
  readonly ended: Promise<string>;
  /** Close its input, then SIGTERM, then SIGKILL to the whole group. A repeat waits for the first. */
  stop(): Promise<void>;
};

/** Throws `AgentError` `agent_not_started` when there is no such program. */
export async function spawnAgentProcess(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Record<string, string>; readonly startCode: string },
): Promise<AgentProcess> {
  const child = spawn(command, args, { ...options, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  await started(child, command, options.startCode);
  const { pid } = child;
  let errors = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (chunk: string) => {
    errors = (errors + chunk).slice(-STDERR_CHARS_MAX);
  });
  // Writing to a process that is gone is told by `ended`, not by the pipe.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) => {
      const how = signal === null ? `exit code ${code}` : signal;
      resolve(errors.trim() === "" ? how : `${how}: ${errors.trim()}`);
    });
  });
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    child.stdin.end();
    if (!(await endsWithin(ended, GRACE_MS))) {
      signalGroup("SIGTERM");
      await endsWithin(ended, GRACE_MS);
    }
    // Also when the leader ended by itself: it may have left others behind.
    signalGroup("SIGKILL");
    await ended;
  };
  return { stdin: child.stdin, stdout: child.stdout, ended, stop: () => (stopping ??= stop()) };
}

async function started(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  command: string,
  code: string,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) =>
      reject(new AgentError(code, `${command} cannot be started: ${cause.message}.`, { cause })),
    );
  });
}

async function endsWithin(ended: Promise<string>, waitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, waitMs, false);
  });
  const result = await Promise.race([ended.then(() => true), late]);
  clearTimeout(timer);
  return result;
}
