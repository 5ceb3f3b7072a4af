import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../../tests/processes.ts";
import { plainEnvironment, spawnAgentProcess } from "./index.ts";

const PATH = process.env["PATH"] ?? "";

/** A process that waits to be reaped has no command line left. */
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
  } catch {
    return false;
  }
}

/** A shell that says its pids when it is ready. */
async function start(script: string) {
  const options = { cwd: "/", env: { PATH }, startCode: "test_not_started" };
  const agent = await spawnAgentProcess("/bin/sh", ["-c", script], options);
  const [line] = await once(agent.stdout, "data");
  agent.stdout.resume();
  return { agent, pids: String(line).trim().split(" ").map(Number) };
}

test("a process that heeds neither its input nor SIGTERM is ended with what it started", async () => {
  const script = `trap "" TERM; sleep 600 & echo $$ $!; while :; do sleep 1; done`;
  const { agent, pids } = await start(script);
  assert.deepEqual(pids.map(isAlive), [true, true]);
  await Promise.all([agent.stop(), agent.stop()]);
  assert.match(await agent.ended, /SIGKILL/);
  await eventually("both have ended", () => !pids.some(isAlive));
});

test("what a process leaves behind when it ends by itself is ended too", async () => {
  const { agent, pids } = await start(
    `sleep 600 >/dev/null 2>&1 & echo $!; read line; echo last words >&2; exit 4`,
  );
  await agent.stop();
  assert.equal(await agent.ended, "exit code 4: last words");
  await eventually("it has ended", () => !pids.some(isAlive));
});

test("a program that is not there is told by the code that was asked for", async () => {
  const options = { cwd: "/", env: { PATH }, startCode: "test_not_started" };
  await assert.rejects(spawnAgentProcess("/nowhere/agent", [], options), { code: "test_not_started" });
});

test("the plain environment has no variable that was not asked for", () => {
  const env = { PATH, LANG: "C", https_proxy: "http://proxy", NAMED: "n", SOME_TOKEN: "s", LD_PRELOAD: "x" };
  assert.deepEqual(plainEnvironment(env, ["NAMED", "ABSENT"]), {
    PATH,
    LANG: "C",
    https_proxy: "http://proxy",
    NAMED: "n",
  });
});
