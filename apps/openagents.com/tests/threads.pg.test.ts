// Threads over HTTP: a message reaches the device, what the agent says comes back
// in order, and a device that was away catches up.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { manualClock } from "@openagents/testing";
import { openDevice, ownerByName, type TestDevice } from "./device.ts";
import { startHarness } from "./harness.ts";

type Message = {
  seq: number;
  role: string;
  status: string;
  text: string;
  tool?: object;
  error?: { code?: string };
};

async function open(t: TestContext, options: Parameters<typeof startHarness>[1] = {}) {
  const control = await startHarness(t, { findDeviceOwner: ownerByName, ...options });
  const device = await openDevice(control);
  const { thread_id: id } = (await control.post("/api/runtime/threads", {})).json.thread;
  const path = `/api/runtime/threads/${id}`;
  return {
    control,
    device,
    id,
    path,
    post: (text: string) => control.post(`${path}/messages`, { text }),
    messages: async (): Promise<Message[]> => (await control.get(`${path}/messages`)).json.messages,
    events: async () => (await control.get(`${path}/events`)).json.events,
  };
}

/** Do one turn as a device does: claim, tell, answer. */
async function doTurn(device: TestDevice, texts: readonly string[]): Promise<string> {
  const { request_id: id } = (await device.claim({ waitMs: 10_000 })).json.call;
  await device.tell([{ event_type: "worker.turn_started", request_id: id }]);
  for (const text of texts)
    await device.tell([{ event_type: "worker.turn_delta", request_id: id, item_id: "a", text }]);
  await device.answer(id, { response: { summary: "done" } });
  return id;
}

test("a message reaches the device, and its answer is stored and told in the order in which it was said", async (t) => {
  const { device, post, messages, events } = await open(t);
  const posted = await post("hello");
  assert.deepEqual([posted.status, posted.json.device_online], [201, true]);
  const { call } = (await device.claim()).json;
  assert.deepEqual(
    [call.method, call.params.text, call.request_id],
    ["turn/start", "hello", posted.json.message.message_id],
  );
  const request_id = call.request_id;
  await device.tell([
    { event_type: "worker.turn_started", request_id },
    { event_type: "worker.turn_delta", request_id, item_id: "a", text: "Hel" },
    { event_type: "worker.turn_delta", request_id, item_id: "a", text: "lo" },
    { event_type: "worker.turn_tool", request_id, item_id: "t", payload: { tool: "shell", summary: "ls" } },
    { event_type: "worker.turn_delta", request_id, item_id: "b", text: "Done." },
  ]);
  assert.deepEqual(
    (await messages()).map(({ status }) => status),
    ["sent", "streaming", "streaming", "streaming"],
  );
  await device.answer(request_id, { response: { summary: "ok" } });
  assert.deepEqual(
    (await messages()).map(({ seq, role, status, text }) => [seq, role, status, text]),
    [
      [1, "user", "complete", "hello"],
      [2, "assistant", "complete", "Hello"],
      [3, "tool", "complete", ""],
      [4, "assistant", "complete", "Done."],
    ],
  );
  assert.deepEqual(
    (await events()).map((event: { event_type: string }) => event.event_type),
    [
      "thread.created",
      "message.created",
      "turn.started",
      "message.created",
      "message.delta",
      "message.created",
      "message.created",
      "turn.finished",
    ],
  );
});

test("a turn that fails says why at the message that it answers", async (t) => {
  const { device, post, messages, events } = await open(t);
  await post("hello");
  const { request_id: id } = (await device.claim()).json.call;
  await device.tell([{ event_type: "worker.turn_delta", request_id: id, item_id: "a", text: "I" }]);
  await device.answer(id, { error: { code: "internal_error", message: "no model", retryable: true } });
  const [mine, its] = await messages();
  assert.deepEqual(
    [mine?.status, mine?.error?.code, its?.status, its?.text],
    ["failed", "internal_error", "failed", "I"],
  );
  assert.equal((await events()).at(-1).event_type, "turn.failed");
});

test("a device that was away catches up in order, one turn of a thread at a time", async (t) => {
  const clock = manualClock(Date.UTC(2026, 0, 2));
  const { control, device, post, messages } = await open(t, { nowMs: clock.nowMs });
  clock.advance(300_000);
  for (const text of ["one", "two", "three"]) assert.equal((await post(text)).json.device_online, false);
  const token = await control.token({ sub: "dev_owner_1" });
  const claim = (holding: string[]) =>
    control.post(
      `/api/runtime/codex/workers/${device.workerId}/claims`,
      { session_id: "session_two", holding },
      { token },
    );
  const first = (await claim([])).json.call;
  assert.equal(first.params.text, "one");
  assert.equal((await claim([first.request_id])).json.call, undefined, "the next waits for the one before");
  await control.post(
    `/api/runtime/codex/workers/${device.workerId}/requests/${first.request_id}/answer`,
    { response: {} },
    { token },
  );
  assert.equal((await claim([])).json.call.params.text, "two");
  assert.deepEqual(
    (await messages()).map(({ status }) => status),
    ["complete", "sent", "sent"],
  );
});

test("events for a turn that was answered, or never claimed, change nothing", async (t) => {
  const { device, post, messages } = await open(t);
  const { message_id: id } = (await post("hello")).json.message;
  const delta = [{ event_type: "worker.turn_delta", request_id: id, item_id: "a", text: "x" }];
  assert.equal((await device.tell(delta)).json.reason, "request_not_held");
  await doTurn(device, ["y"]);
  assert.equal((await device.tell(delta)).json.reason, "request_not_held");
  assert.deepEqual(
    (await messages()).map(({ text }) => text),
    ["hello", "y"],
  );
});

test("events that are sent again under their key are taken once", async (t) => {
  const { device, post, messages } = await open(t);
  await post("hello");
  const { request_id } = (await device.claim()).json.call;
  const delta = [{ event_type: "worker.turn_delta", request_id, item_id: "a", text: "x" }];
  const answers = await Promise.all(Array.from({ length: 8 }, () => device.tell(delta, `${request_id}:1`)));
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.equal((await messages())[1]?.text, "x");
});

test("eight messages at once are numbered without a gap, and each is one request", async (t) => {
  const { device, post, messages } = await open(t);
  await Promise.all(Array.from({ length: 8 }, (_, n) => post(`m${n}`)));
  const posted = await messages();
  assert.deepEqual(
    posted.map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  for (const message of posted) {
    const { call } = (await device.claim()).json;
    assert.equal(call.params.text, message.text);
    await device.answer(call.request_id, { response: {} });
  }
});

test("a thread is its owner's: every route tells others that there is none", async (t) => {
  const { control, path, id } = await open(t);
  for (const other of [{ sub: "usr_other" }, { org: "org_b" }, { sub: "dev_other_1" }]) {
    const token = await control.token(other);
    for (const read of ["", "/messages", "/events"])
      assert.equal((await control.get(path + read, { token })).status, 404, read);
    assert.equal((await control.post(`${path}/messages`, { text: "x" }, { token })).status, 404);
    assert.equal((await control.post(`${path}/interrupt`, {}, { token })).status, 404);
    assert.deepEqual((await control.get("/api/runtime/threads", { token })).json.threads, []);
    const theirs = await openDevice(control, "dev_other_2", "w");
    const asked = await control.post(
      `/api/runtime/codex/workers/${theirs.workerId}/requests`,
      { request_id: "r", method: "thread/read", thread_id: id },
      { token: await control.token({ sub: "usr_other" }) },
    );
    assert.equal(asked.status, 404);
  }
});

test("without a worker a message is refused, with several too, and an autopilot names one", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const make = async (body: object) =>
    (await control.post("/api/runtime/threads", body)).json.thread.thread_id;
  const say = async (id: string) => control.post(`/api/runtime/threads/${id}/messages`, { text: "x" });
  assert.equal((await say(await make({}))).json.reason, "no_worker");
  const desk = await openDevice(control, "dev_owner_1", "desk");
  await openDevice(control, "dev_owner_2", "lap");
  assert.equal((await say(await make({}))).json.reason, "several_workers");
  const made = await control.post("/api/autopilots", { display_name: "A", worker_id: desk.workerId });
  const { autopilot_id: id } = made.json.autopilot;
  const thread = await make({ autopilot: "a" });
  assert.equal((await say(thread)).json.worker_id, desk.workerId);
  assert.equal((await desk.claim()).json.call.params.autopilot.autopilot_id, id);
  const listed = (await control.get(`/api/autopilots/${id}/threads`)).json.threads;
  assert.deepEqual(
    listed.map((each: { thread_id: string }) => each.thread_id),
    [thread],
  );
  await control.send("PATCH", `/api/autopilots/${id}`, { status: "disabled" });
  assert.equal((await say(thread)).json.reason, "autopilot_disabled");
});

test("a message whose device is away goes where the autopilot's policy says, and the thread stays there", async (t) => {
  const clock = manualClock(Date.now());
  const control = await startHarness(t, { findDeviceOwner: ownerByName, nowMs: clock.nowMs });
  const desk = await openDevice(control, "dev_owner_1", "desk");
  const made = await control.post("/api/autopilots", { display_name: "A", worker_id: desk.workerId });
  const { autopilot_id: id, policy } = made.json.autopilot;
  const thread = (await control.post("/api/runtime/threads", { autopilot: "a" })).json.thread.thread_id;
  const say = async () =>
    (await control.post(`/api/runtime/threads/${thread}/messages`, { text: "x" })).json.worker_id;
  await desk.claim();
  assert.equal(await say(), desk.workerId);
  clock.advance(60_000);
  const lap = await openDevice(control, "dev_owner_2", "lap");
  await lap.claim();
  assert.equal(await say(), desk.workerId, "without an order it waits for its own");
  const changed = await control.send("PATCH", `/api/autopilots/${id}`, {
    policy: { ...policy, fallback_order: ["local_codex", "scripted"] },
  });
  assert.equal(changed.status, 200, changed.text);
  assert.equal(await say(), lap.workerId);
  assert.equal((await lap.claim()).json.call.params.text, "x");
  await desk.claim();
  assert.equal(await say(), lap.workerId, "what was said is known where it was said");
});

test("an interrupt passes the messages that wait, and a message that no device has is taken back", async (t) => {
  const { control, device, path, post, messages } = await open(t);
  assert.equal((await control.post(`${path}/interrupt`, {})).json.reason, "no_turn");
  await post("one");
  await post("two");
  const { request_id: held } = (await device.claim()).json.call;
  await control.post(`${path}/interrupt`, {});
  const { call } = (await device.claim({ holding: [held] })).json;
  assert.deepEqual([call.method, call.params.request_id], ["turn/interrupt", held]);
  await device.answer(call.request_id, { response: { status: "interrupted" } });
  await device.answer(held, { error: { code: "conflict", message: "interrupted", retryable: false } });
  await control.post(`${path}/interrupt`, {});
  assert.deepEqual(
    (await messages()).map(({ status }) => status),
    ["failed", "failed"],
  );
  assert.equal((await device.claim()).json.call, undefined);
});

test("whoever follows a thread sees it stream, and goes on behind the last event that they have", async (t) => {
  const { control, device, path, post } = await open(t);
  const token = await control.token();
  await post("hello");
  const ended = new AbortController();
  t.after(() => ended.abort());
  const follow = async (lastEventId?: string) =>
    fetch(`${control.url}${path}/events`, {
      headers: {
        authorization: `Bearer ${token}`,
        accept: "text/event-stream",
        ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
      },
      signal: ended.signal,
    });
  const [whole] = await Promise.all([readUntil(await follow(), "turn.finished"), doTurn(device, ["a", "b"])]);
  assert.deepEqual(whole, [
    "1 thread.created",
    "2 message.created",
    "3 turn.started",
    "4 message.created",
    "5 message.delta",
    "6 turn.finished",
  ]);
  assert.deepEqual(await readUntil(await follow("4"), "turn.finished"), whole.slice(4));
});

async function readUntil(response: Response, last: string): Promise<string[]> {
  assert.equal(response.status, 200);
  const seen: string[] = [];
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString("utf8");
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, id, event] = /^id: (\d+)\nevent: (\S+)\n/.exec(block) ?? [];
      if (id !== undefined) seen.push(`${id} ${event}`);
      if (event === last) return seen;
    }
  }
  return seen;
}

test("the way from a message to its streamed answer is short", async (t) => {
  const { device, path, control } = await open(t);
  const token = await control.token();
  const tookMs: number[] = [];
  const work = (async () => {
    for (let n = 0; n < 40; n += 1) await doTurn(device, ["answer"]);
  })();
  for (let n = 0; n < 40; n += 1) {
    const before = (await control.get(`${path}/events`, { token })).json.head_seq;
    const startedMs = performance.now();
    const ended = new AbortController();
    const response = await fetch(`${control.url}${path}/events`, {
      headers: {
        authorization: `Bearer ${token}`,
        accept: "text/event-stream",
        "last-event-id": String(before),
      },
      signal: ended.signal,
    });
    await control.post(`${path}/messages`, { text: `m${n}` }, { token });
    await readUntil(response, "turn.finished");
    tookMs.push(performance.now() - startedMs);
    ended.abort();
  }
  await work;
  tookMs.sort((a, b) => a - b);
  t.diagnostic(
    `message → streamed answer → end: p50 ${tookMs[20]?.toFixed(0)} ms, p95 ${tookMs[38]?.toFixed(0)} ms`,
  );
  assert.equal(tookMs.length, 40);
});
