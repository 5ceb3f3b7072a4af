// A headless device against a real control service: what is asked of it is done
// once, whatever happens to either of them meanwhile.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { scriptedAgent, type Agent } from "@openagents/agent";
import { runDevice, type DeviceEvent } from "@openagents/autopilot";
import { ownerByName } from "./device.ts";
import { startHarness, type Harness } from "./harness.ts";

type Message = { role: string; status: string; text: string; error?: { code?: string } };

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "oa-device-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Says what it is told to say, and then is done; `until` holds it before its end. */
function sayingAgent(says: readonly string[], until?: (signal: AbortSignal) => Promise<void>): Agent {
  return {
    name: "recorded",
    kind: "scripted",
    assertReady: () => undefined,
    async run({ onEvent, signal }) {
      for (const text of says) await onEvent({ type: "message", text });
      await until?.(signal);
      signal.throwIfAborted();
      return { kind: "finished", summary: says.at(-1) ?? "" };
    },
  };
}

async function startDevice(t: TestContext, control: Harness, agent: Agent, dataDir?: string) {
  const stop = new AbortController();
  const events: DeviceEvent[] = [];
  const opened = Promise.withResolvers<string>();
  const ended = runDevice({
    client: { baseUrl: control.url, token: await control.token({ sub: "dev_owner_1" }) },
    name: "desk",
    agent,
    dataDir: dataDir ?? (await temporaryFolder(t)),
    signal: stop.signal,
    onEvent(event) {
      events.push(event);
      if (event.type === "opened") opened.resolve(event.workerId);
    },
  });
  t.after(async () => {
    stop.abort();
    await ended;
  });
  return {
    workerId: await Promise.race([opened.promise, ended.then((end) => end.workerId)]),
    events,
    ended,
    stop,
  };
}

async function openThread(control: Harness) {
  const { thread_id: id } = (await control.post("/api/runtime/threads", {})).json.thread;
  const path = `/api/runtime/threads/${id}`;
  return {
    path,
    post: async (text: string) => (await control.post(`${path}/messages`, { text })).json.message,
    messages: async (): Promise<Message[]> => (await control.get(`${path}/messages`)).json.messages,
  };
}

/** Wait for the answer to a request as anybody can: by asking for it with a wait. */
async function answered(control: Harness, workerId: string, requestId: string) {
  for (;;) {
    const path = `/api/runtime/codex/workers/${workerId}/requests/${requestId}?wait_ms=10000`;
    const { call } = (await control.get(path)).json;
    if (call.status === "answered") return call;
  }
}

test("a message reaches the device, which says what its agent says, in order", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const { workerId } = await startDevice(t, control, sayingAgent(["one", "two", "three"]));
  const thread = await openThread(control);
  const { request_id: id } = await thread.post("hello");
  const call = await answered(control, workerId, id);
  assert.deepEqual([call.response.outcome, call.response.agent_kind], ["finished", "scripted"]);
  assert.deepEqual(
    (await thread.messages()).map(({ role, status, text }) => [role, status, text]),
    [
      ["user", "complete", "hello"],
      ["assistant", "complete", "one"],
      ["assistant", "complete", "two"],
      ["assistant", "complete", "three"],
    ],
  );
});

test("the scripted agent changes files of the thread's own workspace and says that it is a recording", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const folder = await temporaryFolder(t);
  const patch = `diff --git a/new.txt b/new.txt
new file mode 100644
--- /dev/null
+++ b/new.txt
@@ -0,0 +1 @@
+hello
`;
  await writeFile(join(folder, "a.patch"), patch);
  const { workerId } = await startDevice(t, control, scriptedAgent(join(folder, "a.patch")));
  const thread = await openThread(control);
  const call = await answered(control, workerId, (await thread.post("add a file")).request_id);
  assert.match(call.response.agent, /^scripted/);
  const texts = (await thread.messages()).map(({ role, text }) => `${role} ${text}`);
  assert.equal(texts.at(-1), "assistant Applied 1 recorded patch.");
});

test("what was sent while the device was away is done in its order when it comes", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const dataDir = await temporaryFolder(t);
  const first = await startDevice(t, control, sayingAgent(["hi"]), dataDir);
  first.stop.abort();
  await first.ended;
  const thread = await openThread(control);
  for (const text of ["a", "b"]) await thread.post(text);
  const { request_id: last } = await thread.post("c");
  const { workerId } = await startDevice(t, control, sayingAgent(["done"]), dataDir);
  await answered(control, workerId, last);
  const events = (await control.get(`${thread.path}/events`)).json.events;
  const order = events.filter(({ event_type: type }: { event_type: string }) => type.startsWith("turn."));
  assert.deepEqual(
    order.map(({ event_type: type }: { event_type: string }) => type),
    Array.from({ length: 3 }, () => ["turn.started", "turn.finished"]).flat(),
  );
});

test("a device that is killed with -9 between claim and answer goes on where it was, and answers once", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const env = {
    ...process.env,
    CONTROL_URL: control.url,
    DEVICE_TOKEN: await control.token({ sub: "dev_owner_1" }),
    DEVICE_DIR: await temporaryFolder(t),
  };
  const start = (more: object = {}) => {
    const file = join(import.meta.dirname, "device-process.ts");
    const child = spawn(process.execPath, [file], { env: { ...env, ...more }, stdio: "inherit" });
    t.after(() => child.kill("SIGKILL"));
    return child;
  };
  const made = await control.post(
    "/api/runtime/codex/workers",
    { name: "desk", adapter: "scripted" },
    { token: env.DEVICE_TOKEN },
  );
  const { worker_id: workerId } = made.json.worker;
  const thread = await openThread(control);
  const { request_id: id } = await thread.post("hello");

  const killed = start();
  const seen = await follow(t, control, thread.path, "message.created", 2);
  assert.equal(seen.at(-1), "one");
  killed.kill("SIGKILL");
  await once(killed, "exit");

  start({ GO: "1" });
  const call = await answered(control, workerId, id);
  assert.deepEqual([call.claims, call.response.summary], [2, "two"]);
  assert.deepEqual(
    (await thread.messages()).map(({ text }) => text),
    ["hello", "one", "two"],
  );
  const stream = (await control.get(`/api/runtime/codex/workers/${workerId}/stream`)).json.events;
  const answers = stream.filter(({ event_type: type }: { event_type: string }) =>
    ["worker.response", "worker.error"].includes(type),
  );
  assert.equal(answers.length, 1);
});

test("an interrupt ends the turn that is carried out, and the next message is taken", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const waits = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  let turns = 0;
  const agent = sayingAgent(["working"], (signal) =>
    (turns += 1) === 1 ? waits(signal) : Promise.resolve(),
  );
  const { workerId } = await startDevice(t, control, agent);
  const thread = await openThread(control);
  const { request_id: first } = await thread.post("hello");
  await follow(t, control, thread.path, "message.created", 2);
  await control.post(`${thread.path}/interrupt`, {});
  assert.equal((await answered(control, workerId, first)).error.code, "conflict");
  const { request_id: second } = await thread.post("again");
  assert.equal((await answered(control, workerId, second)).response.outcome, "finished");
});

test("a control service that is away for a while costs nothing but the time", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const { port } = new URL(control.url);
  const gate = Promise.withResolvers<void>();
  const { workerId } = await startDevice(
    t,
    control,
    sayingAgent(["one"], () => gate.promise),
  );
  const thread = await openThread(control);
  const { request_id: id } = await thread.post("hello");
  await follow(t, control, thread.path, "message.created", 2);
  await control.stop();
  gate.resolve();
  const again = await startHarness(t, {
    findDeviceOwner: ownerByName,
    databaseUrl: control.databaseUrl,
    config: { port: Number(port) },
  });
  const call = await answered(again, workerId, id);
  assert.deepEqual([call.claims, call.response.outcome], [1, "finished"]);
});

test("a worker that its owner stops ends the device's run", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const { workerId, ended } = await startDevice(t, control, sayingAgent(["one"]));
  await control.post(`/api/runtime/codex/workers/${workerId}/stop`, {});
  assert.deepEqual(await ended, { reason: "worker_stopped", workerId });
});

/** Texts of the thread's messages as they are told, until `count` events of a kind were. */
async function follow(t: TestContext, control: Harness, path: string, kind: string, count: number) {
  const ended = new AbortController();
  t.after(() => ended.abort());
  const response = await fetch(`${control.url}${path}/events`, {
    headers: { authorization: `Bearer ${await control.token()}`, accept: "text/event-stream" },
    signal: ended.signal,
  });
  const texts: string[] = [];
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString("utf8");
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, event, data] = /\nevent: (\S+)\ndata: (.*)$/s.exec(block) ?? [];
      if (event === kind && data !== undefined) texts.push(JSON.parse(data).payload.message.text);
    }
    if (texts.length >= count) break;
  }
  ended.abort();
  return texts;
}
