// A whole stack for browser tests, started by the command line as users start
// it, in a folder of its own.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const MAIN = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));
/** Applies a recorded patch, and says so. */
const SCRIPT = fileURLToPath(new URL("../../../packages/autopilot/demo/agent.json", import.meta.url));
const exec = promisify(execFile);

export type RunningStack = {
  /** Of the console, as browsers reach it. */
  readonly url: string;
  readonly runtimeUrl: string;
  /** Run a command of the command line on this stack, to its end; what it printed. */
  run(...args: readonly string[]): Promise<string>;
  /** Make this computer a device of the stack's owner, until the test ends; resolves when it takes requests. */
  startDevice(): Promise<StackDevice>;
};

export type StackDevice = {
  /** Hold it still, so that what it works on is not over before it was looked at. */
  hold(): void;
  /** Let it go on, until it has ended by itself. */
  goOnToItsEnd(): Promise<void>;
};

export async function runningStack(t: TestContext): Promise<RunningStack> {
  const folder = mkdtempSync(join(tmpdir(), "oa-console-"));
  const { DATABASE_URL: _database, ...outside } = process.env;
  const env = { ...outside, OPENAGENTS_HOME: folder, NO_COLOR: "1" };
  const run = async (...args: readonly string[]) => {
    const ended = await exec(process.execPath, [MAIN, ...args], { env, maxBuffer: 64 * 1024 * 1024 });
    return ended.stdout.trim();
  };
  const devices: ChildProcess[] = [];
  t.after(async () => {
    for (const device of devices) {
      if (device.exitCode !== null || device.signalCode !== null) continue;
      // One that is held still hears nothing.
      device.kill("SIGCONT");
      if (device.kill("SIGTERM")) await once(device, "exit");
    }
    await run("down").catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  });
  await run("up", "--detach", "--port-base", "0");
  const status: unknown = JSON.parse(await run("status", "--json"));
  const { control_url: url, runtime_url: runtimeUrl } = Object(status);
  return {
    url: String(url).replace("127.0.0.1", "localhost"),
    runtimeUrl: String(runtimeUrl),
    run,
    async startDevice() {
      const device = spawn(process.execPath, [MAIN, "device", "run", "--agent", `script:${SCRIPT}`], {
        env,
        stdio: ["ignore", "pipe", "inherit"],
      });
      devices.push(device);
      // Read to its end: a device whose words nobody takes would end over them.
      let said = "";
      await new Promise<void>((resolve, reject) => {
        device.stdout.on("data", (chunk: Buffer) => {
          said += String(chunk);
          if (said.includes("ready as")) resolve();
        });
        device.once("exit", () => reject(new Error(`the device did not start: ${said}`)));
      });
      return {
        hold: () => void device.kill("SIGSTOP"),
        async goOnToItsEnd() {
          const ended = device.exitCode === null ? once(device, "exit") : undefined;
          device.kill("SIGCONT");
          await ended;
        },
      };
    },
  };
}
