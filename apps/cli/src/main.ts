// Runs the command line with this process's streams.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { runProgram } from "./program.ts";
import { openOutput } from "./terminal/index.ts";

const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const version =
  typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";

const out = openOutput(process.stdout, process.env);
const err = openOutput(process.stderr, process.env);
const exitCode = await runProgram(process.argv.slice(2), {
  out,
  err,
  env: process.env,
  stdin: process.stdin,
  version,
  root: resolve(import.meta.dirname, "../../.."),
  nowMs: Date.now,
});
await Promise.all([out.flush(), err.flush()]);
process.exit(exitCode);
