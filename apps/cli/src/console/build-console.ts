// The console's pages are built on this machine, once per state of their sources.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { openStackLog } from "@openagents/stack";
import type { Context } from "../context.ts";

/** Build them unless they are. A console that cannot be built says so itself, and keeps nothing else from starting. */
export async function buildConsole(context: Context, log: ReturnType<typeof openStackLog>): Promise<void> {
  const program = join(context.root, "apps/openagents.com/web/build.ts");
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "pipe"], cwd: context.root });
  let said = "";
  const hear = (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-4_000);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const code = await once(child, "close").then(
    ([exit]) => exit,
    (error: unknown) => String(error),
  );
  if (code !== 0) log.error({ code, said }, "the console could not be built");
}
