import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { inOwnProcessSpace } from "../src/process/index.ts";
import { agentFrom, type Agent, type AgentEvent, type AgentTask } from "../src/index.ts";
import { eventually, markedProcesses } from "./processes.ts";

const AGENT = fileURLToPath(new URL("./scripted-acp-agent.ts", import.meta.url));

async function openAcp(t: TestContext, scene: string, moreEnv: Record<string, string> = {}) {
  const root = await mkdtemp(join(tmpdir(), "acp-"));
  t.after(() => rm(root, { recursive: true }));
  const workspace = join(root, "workspace");
  await mkdir(join(workspace, ".git"), { recursive: true });
  await writeFile(join(workspace, "a.txt"), "one\n");
  await writeFile(join(workspace, ".git", "config"), "git's own");
  await writeFile(join(root, "outside.txt"), "outside");
  const events: AgentEvent[] = [];
  const env = { PATH: process.env["PATH"] ?? "", ...moreEnv };
  const spec = `acp:${process.execPath} ${AGENT} ${scene} ${root}`;
  const agent = agentFrom(spec, { env, dataDir: root });
  const task: AgentTask = {
    workspace: { dir: workspace, applyPatch: () => Promise.reject(new Error("it writes by itself")) },
    issue: { title: "The file says one", body: "It should say two." },
    attempt: 1,
    stateDir: join(root, "state"),
    signal: t.signal,
    onEvent: async (event) => void events.push(event),
  };
  return {
    root,
    workspace,
    events,
    spec,
    agent,
    run: (over: Partial<AgentTask> = {}) => agent.run({ ...task, ...over }),
    runBy: (other: Agent, over: Partial<AgentTask>) => other.run({ ...task, ...over }),
  };
}

test("what the agent says, reads, writes and runs is told whole and in order", async (t) => {
  const { run, events, workspace, agent } = await openAcp(t, "edit");
  assert.match(agent.name, /^acp \(/);
  assert.deepEqual(await run(), { kind: "finished", summary: "Done." });
  assert.deepEqual(events, [
    { type: "message", text: "Changed by a script." },
    { type: "file_change", path: "a.txt", change: "modified" },
    { type: "tool_call", tool: "execute", summary: "npm test" },
    { type: "command", command: "npm test", output: "1 passed" },
    { type: "file_change", path: "b.txt", change: "added" },
    { type: "message", text: "Done." },
  ]);
  assert.equal(await readFile(join(workspace, "a.txt"), "utf8"), "two\n");
});

test("a permission is asked of a person, given once and never for good, and declined when nobody is there", async (t) => {
  const alone = await openAcp(t, "permission");
  assert.deepEqual(await alone.run(), { kind: "finished", summary: "no" });
  assert.deepEqual(alone.events[0], { type: "approval", what: "Remove everything", decision: "decline" });

  const attended = await openAcp(t, "permission");
  assert.deepEqual(await attended.run({ approve: async () => "accept" }), {
    kind: "finished",
    summary: "once",
  });
});

test("files outside of the workspace and git's own are neither read nor written for the agent", async (t) => {
  const { run, root, workspace } = await openAcp(t, "files");
  await mkdir(join(workspace, "sub"));
  await symlink("..", join(workspace, "link-out"));
  await symlink("../outside.txt", join(workspace, "link-file"));
  assert.deepEqual(await run(), { kind: "finished", summary: "refused" });
  assert.equal(await readFile(join(root, "outside.txt"), "utf8"), "outside");
  assert.equal(await readFile(join(workspace, ".git", "config"), "utf8"), "git's own");
});

test("dependencies are read and not written through us, and the task's variables are there", async (t) => {
  const { run, root, workspace } = await openAcp(t, "dependencies");
  const deps = join(root, "deps");
  await mkdir(join(deps, "dep"), { recursive: true });
  await writeFile(join(deps, "dep", "index.js"), "of dep");
  await symlink("../deps", join(workspace, "node_modules"));
  await assert.rejects(run(), { code: "acp_protocol" }, "what the task does not name is not read");
  const task = { readable: [deps], env: { PYTHONPATH: "/python" } };
  assert.deepEqual(await run(task), { kind: "finished", summary: "of dep refused /python" });
});

test("the task's path starts no other agent than the user's", async (t) => {
  const { root, runBy } = await openAcp(t, "echo");
  const [own, planted] = [join(root, "own"), join(root, "planted")];
  for (const folder of [own, planted]) await mkdir(folder);
  const put = (folder: string, script: string) =>
    writeFile(join(folder, "the-agent"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await put(planted, `touch ${root}/started`);
  const agent = agentFrom("acp:the-agent", { env: { PATH: `${own}:/usr/bin:/bin` }, dataDir: root });
  const task = { env: { PATH: `${planted}:/usr/bin:/bin` } };
  await assert.rejects(runBy(agent, task), { code: "acp_not_started", message: /the-agent on PATH/ });
  await put(own, `exec ${process.execPath} ${AGENT} echo`);
  assert.equal((await runBy(agent, task)).kind, "finished");
  assert.equal(existsSync(join(root, "started")), false);
});

test("the agent gets the variables that the user names and no others, and no secret leaves it", async (t) => {
  const { run, events } = await openAcp(t, "environment", {
    MODEL_KEY: "canary-of-the-model-key",
    OTHER_TOKEN: "canary-of-another",
    OPENAGENTS_ACP_ENV: "MODEL_KEY, ABSENT",
  });
  const outcome = await run();
  const told = JSON.stringify([events, outcome]);
  assert.match(told, /MODEL_KEY[^A-Z]*\[redacted\]/);
  assert.doesNotMatch(told, /canary|OTHER_TOKEN/);
  const { program } = await inOwnProcessSpace("true", []);
  const processes = Number(/processes[^0-9]*(\d+)/.exec(told)?.[1]);
  if (program === "bwrap") assert.ok(processes < 10, `it sees ${processes} processes`);
});

test("an aborted turn is canceled, ends with the signal's reason, and leaves no process", async (t) => {
  const { run, workspace, root } = await openAcp(t, "wait");
  const controller = new AbortController();
  const running = run({ signal: controller.signal });
  await eventually("the turn has started", () => existsSync(join(workspace, "started")));
  assert.notDeepEqual(await markedProcesses(root), []);
  controller.abort(new Error("enough"));
  await assert.rejects(running, /enough/);
  await eventually("no process is left", async () => (await markedProcesses(root)).length === 0);
});

test("killed in the middle of a turn, the agent ends with us", async (t) => {
  const { root, workspace, spec } = await openAcp(t, "wait");
  const argument = { spec, workspace, stateDir: join(root, "state") };
  const main = fileURLToPath(new URL("./run-scene.ts", import.meta.url));
  const child = spawn(process.execPath, [main, JSON.stringify(argument)], { stdio: "ignore" });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  await eventually("the turn has started", () => existsSync(join(workspace, "started")));
  child.kill("SIGKILL");
  await exited;
  const { program } = await inOwnProcessSpace("true", []);
  if (program !== "bwrap") return t.skip("without bubblewrap it ends when it heeds its closed input");
  await eventually("no process is left", async () => (await markedProcesses(root)).length === 0);
});

test("an agent that crashes, is absent, speaks otherwise, or refuses is told by name", async (t) => {
  const crashed = await openAcp(t, "crash");
  await assert.rejects(crashed.run(), { code: "acp_ended", message: /lost its way/ });
  const other = await openAcp(t, "version");
  await assert.rejects(other.run(), { code: "acp_protocol" });
  const refusing = await openAcp(t, "refuse");
  assert.deepEqual(await refusing.run(), { kind: "gave_up", reason: "I will not." });
  const options = { env: { PATH: "/nowhere" }, dataDir: "/nowhere" };
  assert.throws(() => agentFrom("acp:sh -c 'exit'", options), { code: "acp_command_invalid" });
  assert.throws(() => agentFrom("claude", options), {
    code: "agent_unknown",
    message: /codex, acp:COMMAND, or script:FILE/,
  });
});

test("what telling throws is thrown as it is", async (t) => {
  for (const scene of ["edit", "permission"]) {
    const { run } = await openAcp(t, scene);
    const onEvent = () => Promise.reject(new Error("the log is full"));
    await assert.rejects(run({ onEvent }), { name: "Error", message: "the log is full" });
  }
});

test("a finished attempt is not repeated, and a broken-off one is told that it was", async (t) => {
  const { run, events } = await openAcp(t, "echo");
  const first = await run();
  assert.deepEqual(await run(), first);
  assert.equal(events.length, 1);

  const crashing = await openAcp(t, "crash");
  await assert.rejects(crashing.run());
  const again = await openAcp(t, "echo");
  const outcome = await again.run({ stateDir: join(crashing.root, "state") });
  assert.match(outcome.kind === "finished" ? outcome.summary : "", /broken off in the middle/);
});
