// Runs a command with one PostgreSQL for all of its tests:
// `node start-test-postgres.ts COMMAND ARG…`. Ends with the command's code.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@openagents/postgres";

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  process.stderr.write("usage: start-test-postgres.ts COMMAND [ARG…]\n");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "oa-test-postgres-"));
const server = await startEmbeddedPostgres({ dataDir: join(folder, "data") });
const child = spawn(command, args, {
  stdio: "inherit",
  env: { ...process.env, OPENAGENTS_TEST_POSTGRES: server.adminUrl },
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
const code = await new Promise<number>((resolve) => {
  child.once("error", () => resolve(127));
  child.once("exit", (exitCode, signal) => resolve(exitCode ?? (signal === null ? 1 : 130)));
});
await server.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(code);
