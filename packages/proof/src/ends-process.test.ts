import assert from "node:assert/strict";
import { test } from "node:test";
import { endsProcess } from "./ends-process.ts";

test("a line that can end its process is seen, in the languages that checks are written in", () => {
  for (const line of [
    "process.exit(0);",
    "process?.['exit'](0)",
    "process.exitCode = 0;",
    "const { exit } = process; exit(0);",
    "    os._exit(0)",
    "raise SystemExit",
    "from sys import exit as leave; sys.exit()",
    "atexit.register(done)",
    "  exit(0);",
    "__attribute__((constructor)) static void start(void) {",
    "\tos.Exit(0)",
    "    std::process::exit(0);",
    "System.exit(0);",
    'os.execvp("true", ["true"])',
  ]) {
    assert.ok(endsProcess(["const x = 1;", line]), line);
  }
});

test("words about ends are no ends", () => {
  for (const line of [
    "// The loop exits when there is nothing left.",
    "const exit = findExit(maze);",
    "door.exit = true;",
    "if (existing) return;",
    "return subprocess.exitStatus;",
    "state.abort = () => undefined;",
  ]) {
    assert.ok(!endsProcess([line]), line);
  }
});
