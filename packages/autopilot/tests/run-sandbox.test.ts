import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { scriptedAgent } from "@openagents/agent";
import { prepareDemoRepository } from "../src/demo.ts";
import { runDevice } from "../src/device/index.ts";
import { controlWithOneCall } from "./control-with-one-call.ts";

async function answerTo(t: TestContext, command: string): Promise<{ response?: unknown; error?: unknown }> {
  const folder = mkdtempSync(join(tmpdir(), "oa-device-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "notes.txt"), "of the project\n");
  const { scriptFile } = await prepareDemoRepository(join(folder, "demo"));
  const control = controlWithOneCall({ requestId: "r1", method: "sandbox/run", params: { command } });
  const stop = new AbortController();
  const running = runDevice({
    client: { baseUrl: "http://127.0.0.1:9", token: "none" },
    clients: control.clients,
    name: "device",
    agent: scriptedAgent(scriptFile),
    source: { kind: "folder", path: project },
    dataDir: join(folder, "device"),
    signal: stop.signal,
  });
  const answer = await control.answered;
  stop.abort();
  await running;
  return answer;
}

test("a command of a tool runs in the sandbox on a copy of the project, and how it failed is the answer", async (t) => {
  const { response } = await answerTo(t, "cat notes.txt; echo changed > notes.txt; echo oh >&2; exit 3");
  const { sandbox, duration_ms: _took, ...rest } = Object(response);
  assert.match(sandbox, /^bubblewrap /);
  assert.deepEqual(rest, { exit_code: 3, stdout: "of the project\n", stderr: "oh\n" });
});

test("it has no network, and a command that is missing is said to be", async (t) => {
  const { response } = await answerTo(t, "grep -c : /proc/net/dev");
  assert.equal(Object(response).stdout, "1\n");
  const { error } = await answerTo(t, "");
  assert.equal(Object(error).code, "invalid_request");
});
