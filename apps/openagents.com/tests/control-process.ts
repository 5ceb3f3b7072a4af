// A control service in a process of its own, for tests that kill it. It is this file that
// the process runs: the configuration comes in, and the address goes out.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { createControl, type ControlConfig } from "@openagents/control";
import { silentLogger } from "@openagents/service";

export type ControlProcess = {
  readonly url: string;
  /** As a power cut would: nothing of it goes on. */
  kill(): Promise<void>;
};

export async function startControlProcess(t: TestContext, config: ControlConfig): Promise<ControlProcess> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  t.after(kill);
  child.stdin.end(JSON.stringify(config));
  const [url] = await once(createInterface({ input: child.stdout }), "line");
  return { url: String(url), kill };
}

if (import.meta.main) {
  const control = createControl(JSON.parse(await text(process.stdin)), { log: silentLogger() });
  const { url } = await control.start();
  process.stdout.write(`${url}\n`);
}
