import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { scriptedAgent, type AgentEvent, type AgentTask, type AgentWorkspace } from "./index.ts";

const ISSUE = { title: "t", body: "b" };

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "agent-"));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

/** Records patches in place of applying them. */
function recordingWorkspace(): AgentWorkspace & { readonly applied: string[] } {
  const applied: string[] = [];
  return {
    dir: "/nowhere",
    applied,
    async applyPatch(patch) {
      applied.push(patch.toString());
      return [{ path: "src/a.js", change: "modified" }];
    },
  };
}

async function play(script: string, over: Partial<AgentTask> = {}) {
  const stateDir = await mkdtemp(join(dirname(script), "state-"));
  const events: AgentEvent[] = [];
  const workspace = recordingWorkspace();
  const { signal } = new AbortController();
  const onEvent = async (event: AgentEvent) => void events.push(event);
  const task = { workspace, issue: ISSUE, attempt: 1, stateDir, signal, onEvent, ...over };
  const outcome = await scriptedAgent(script).run(task);
  return { outcome, events, applied: workspace.applied };
}

test("a script's steps happen in order and each is told", async (t) => {
  const dir = await folder(t);
  await writeFile(join(dir, "fix.patch"), "the patch");
  const script = { version: 1, steps: [{ say: "first" }, { patch: "fix.patch" }, { say: "last" }] };
  await writeFile(join(dir, "script.json"), JSON.stringify(script));
  const { outcome, events, applied } = await play(join(dir, "script.json"));
  assert.deepEqual(applied, ["the patch"]);
  assert.deepEqual(
    events.map((event) => (event.type === "message" ? event.text : event.type)),
    ["first", "tool_call", "file_change", "last"],
  );
  assert.deepEqual(outcome, { kind: "finished", summary: "Applied 1 recorded patch." });
});

test("a bare patch file is a script of one step", async (t) => {
  const dir = await folder(t);
  await writeFile(join(dir, "fix.diff"), "diff");
  assert.deepEqual((await play(join(dir, "fix.diff"))).applied, ["diff"]);
});

test("a script that says anything unknown is refused before it does anything", async (t) => {
  const dir = await folder(t);
  const file = join(dir, "script.json");
  const step = { say: "x" };
  for (const bad of [
    "{",
    "[]",
    { version: 2, steps: [step] },
    { version: 1, steps: [] },
    { version: 1, steps: [step], extra: 1 },
    { version: 1, steps: [{ say: "x", patch: "y" }] },
    { version: 1, steps: [{}] },
    { version: 1, steps: [{ shout: "x" }] },
    { version: 1, steps: [{ say: "" }] },
    { version: 1, steps: Array.from({ length: 101 }, () => step) },
    { version: 1, steps: [step], attempts: [{ steps: [step] }] },
    { version: 1, attempts: [] },
    { version: 1, attempts: [[step]] },
    { version: 1, attempts: [{ steps: [step], extra: 1 }] },
  ]) {
    await writeFile(file, typeof bad === "string" ? bad : JSON.stringify(bad));
    await assert.rejects(play(file), { name: "AgentError", code: "script_invalid" });
  }
  await assert.rejects(play(join(dir, "absent.json")), { code: "script_unreadable" });
});

test("attempts differ where the script says so, and it gives up at one that it does not have", async (t) => {
  const dir = await folder(t);
  const file = join(dir, "script.json");
  const attempts = ["one", "two"].map((say) => ({ steps: [{ say }] }));
  await writeFile(file, JSON.stringify({ version: 1, attempts }));
  const { events } = await play(file, { attempt: 2 });
  assert.deepEqual(events, [{ type: "message", text: "two" }]);
  assert.equal((await play(file, { attempt: 3 })).outcome.kind, "gave_up");

  await writeFile(file, JSON.stringify({ version: 1, steps: [{ say: "same" }] }));
  assert.equal((await play(file, { attempt: 3 })).outcome.kind, "finished");
});

test("a patch that a broken-off attempt has applied is not applied again", async (t) => {
  const dir = await folder(t);
  await writeFile(join(dir, "fix.patch"), "the patch");
  const stateDir = join(dir, "state");
  const applied: string[] = [];
  const workspace = { ...recordingWorkspace(), applied };
  const onEvent = async (event: AgentEvent) => {
    if (event.type === "file_change") throw new Error("the process dies here");
  };
  await assert.rejects(play(join(dir, "fix.patch"), { stateDir, onEvent }), /dies here/);
  const again = await play(join(dir, "fix.patch"), { stateDir, workspace });
  assert.deepEqual([again.outcome.kind, applied], ["finished", []]);
});

test("an aborted agent takes no further step", async (t) => {
  const dir = await folder(t);
  await writeFile(join(dir, "fix.patch"), "the patch");
  await assert.rejects(play(join(dir, "fix.patch"), { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("the agent's name says that it only applies a recorded patch", () => {
  assert.equal(scriptedAgent("x.patch").name, "scripted (applies a recorded patch)");
});
