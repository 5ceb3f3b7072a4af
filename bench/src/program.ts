// A program of ours under measurement, in a process of its own: it prints one
// JSON line when it is ready, and one for each line that it is sent.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type Program<Ready> = {
  readonly pid: number;
  readonly ready: Ready;
  /** Send a line and wait for the answer. */
  ask<Answer>(question: object): Promise<Answer>;
  /** Resident memory now, and the most that it ever was. */
  memory(): { readonly residentMb: number; readonly peakMb: number };
  stop(): Promise<void>;
};

export async function startProgram<Ready>(file: string, args: readonly string[]): Promise<Program<Ready>> {
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, file), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async <T>() => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${file} ended before it answered`);
    return JSON.parse(value) as T;
  };
  return {
    pid: child.pid ?? 0,
    ready: await read<Ready>(),
    ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return read();
    },
    memory() {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      const megabytes = (name: string) =>
        Number(new RegExp(`${name}:\\s+([0-9]+) kB`).exec(status)?.[1]) / 1024;
      return { residentMb: megabytes("VmRSS"), peakMb: megabytes("VmHWM") };
    },
    async stop() {
      if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
    },
  };
}
