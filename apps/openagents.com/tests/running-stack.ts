// A whole stack for browser tests, started by the command line as users start
// it, in a folder of its own.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const MAIN = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));
const exec = promisify(execFile);

export type RunningStack = {
  /** Of the console, as browsers reach it. */
  readonly url: string;
  readonly runtimeUrl: string;
  /** Run a command of the command line on this stack, to its end; what it printed. */
  run(...args: readonly string[]): Promise<string>;
};

export async function runningStack(t: TestContext): Promise<RunningStack> {
  const folder = mkdtempSync(join(tmpdir(), "oa-console-"));
  const run = async (...args: readonly string[]) => {
    const { DATABASE_URL: _database, ...env } = process.env;
    const ended = await exec(process.execPath, [MAIN, ...args], {
      env: { ...env, OPENAGENTS_HOME: folder, NO_COLOR: "1" },
      maxBuffer: 64 * 1024 * 1024,
    });
    return ended.stdout.trim();
  };
  t.after(async () => {
    await run("down").catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  });
  await run("up", "--detach", "--port-base", "0");
  const status: unknown = JSON.parse(await run("status", "--json"));
  const { control_url: url, runtime_url: runtimeUrl } = Object(status);
  return { url: String(url).replace("127.0.0.1", "localhost"), runtimeUrl: String(runtimeUrl), run };
}
