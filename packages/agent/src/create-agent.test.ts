import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { AgentError, type AgentEvent, type AgentOutcome, type AgentTask } from "./agent.ts";
import { createAgent } from "./create-agent.ts";

const SECRET = "the-secret-of-the-day";

async function stateDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "create-agent-"));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

function taskIn(dir: string, over: Partial<AgentTask> = {}): AgentTask {
  return {
    workspace: { dir, applyPatch: async () => [] },
    issue: { title: "t", body: "b" },
    attempt: 1,
    stateDir: dir,
    signal: new AbortController().signal,
    onEvent: async () => undefined,
    ...over,
  };
}

function agentThat(work: (task: AgentTask) => Promise<AgentOutcome>) {
  return createAgent({ name: "test agent", kind: "scripted", secrets: [SECRET], work });
}

const done = async (): Promise<AgentOutcome> => ({ kind: "finished", summary: "done" });

test("no member of any event, request, outcome or error carries a secret", async (t) => {
  const dir = await stateDir(t);
  const text = fc.tuple(fc.string(), fc.string()).map(([before, after]) => before + SECRET + after);
  const event: fc.Arbitrary<AgentEvent> = fc.oneof(
    fc.record({ type: fc.constant("message" as const), text }),
    fc.record({ type: fc.constant("tool_call" as const), tool: text, summary: text }),
    fc.record({ type: fc.constant("command" as const), command: text, exitCode: fc.nat(), output: text }),
    fc.record({
      type: fc.constant("file_change" as const),
      path: text,
      change: fc.constant("added" as const),
    }),
    fc.record({
      type: fc.constant("approval" as const),
      what: text,
      decision: fc.constant("accept" as const),
    }),
  );
  let attempt = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 5 }), text, async (events, words) => {
      attempt += 1;
      const told: unknown[] = [];
      const agent = agentThat(async ({ onEvent, approve }) => {
        for (const each of events) await onEvent(each);
        await approve?.({ what: words, reason: words });
        return { kind: "gave_up", reason: words };
      });
      const outcome = await agent.run(
        taskIn(dir, {
          attempt,
          onEvent: async (each) => void told.push(each),
          approve: async (request) => (told.push(request), "decline"),
        }),
      );
      const stored = await readFile(join(dir, `attempt-${attempt}.json`), "utf8");
      assert.equal(told.length, events.length + 1);
      assert.ok(!JSON.stringify([told, outcome, stored]).includes(SECRET));
    }),
    { numRuns: 50 },
  );
  const broken = agentThat(async () => {
    throw new AgentError("test_broken", `broken by ${SECRET}`, { cause: new Error(SECRET) });
  });
  await assert.rejects(broken.run(taskIn(dir, { attempt: 1_000 })), (error) => {
    assert.ok(error instanceof AgentError && error.cause === undefined);
    assert.deepEqual([error.code, error.message], ["test_broken", "broken by [redacted]"]);
    return true;
  });
});

test("texts are cut after they were redacted: no half of a secret is left at the cut", async (t) => {
  const dir = await stateDir(t);
  const events: AgentEvent[] = [];
  const agent = agentThat(async ({ onEvent }) => {
    await onEvent({ type: "message", text: `${"x".repeat(3_990)}${SECRET}` });
    await onEvent({ type: "command", command: "c", output: `${SECRET}${"y".repeat(7_990)}` });
    return done();
  });
  await agent.run(taskIn(dir, { onEvent: async (event) => void events.push(event) }));
  assert.doesNotMatch(JSON.stringify(events), /the-sec|the-day/);
  const [message, command] = events;
  assert.ok(message?.type === "message" && message.text.length <= 4_001);
  assert.ok(command?.type === "command" && command.output.length <= 8_001);
});

test("a finished attempt answers its outcome and works no second time; another attempt works", async (t) => {
  const dir = await stateDir(t);
  let works = 0;
  const agent = agentThat(async () => ({ kind: "finished", summary: `work ${(works += 1)}` }));
  const first = await agent.run(taskIn(dir));
  assert.deepEqual(await agent.run(taskIn(dir)), first);
  assert.deepEqual(await agent.run(taskIn(dir, { attempt: 2 })), { kind: "finished", summary: "work 2" });
});

test("an attempt that threw is worked on again", async (t) => {
  const dir = await stateDir(t);
  let works = 0;
  const agent = agentThat(async () => {
    works += 1;
    if (works === 1) throw new AgentError("test_broken", "broken");
    return done();
  });
  await assert.rejects(agent.run(taskIn(dir)), { code: "test_broken" });
  assert.deepEqual(await agent.run(taskIn(dir)), await done());
});

test("a task that makes no sense and a state that nobody wrote are refused by name", async (t) => {
  const dir = await stateDir(t);
  for (const bad of [{ attempt: 0 }, { attempt: 1.5 }, { stateDir: "relative" }])
    await assert.rejects(agentThat(done).run(taskIn(dir, bad)), { code: "task_invalid" });
  for (const text of ["{", "[]", `{"kind":"finished"}`, `{"kind":"paid","summary":"x"}`]) {
    await writeFile(join(dir, "attempt-1.json"), text);
    await assert.rejects(agentThat(done).run(taskIn(dir)), { code: "state_invalid" });
  }
});

test("an aborted task throws the signal's reason, before and in the middle of work", async (t) => {
  const dir = await stateDir(t);
  const reason = new Error("enough");
  await assert.rejects(agentThat(done).run(taskIn(dir, { signal: AbortSignal.abort(reason) })), reason);
  const controller = new AbortController();
  const agent = agentThat(async () => {
    controller.abort(reason);
    throw new Error("something that the abort has broken");
  });
  await assert.rejects(agent.run(taskIn(dir, { signal: controller.signal })), reason);
});
