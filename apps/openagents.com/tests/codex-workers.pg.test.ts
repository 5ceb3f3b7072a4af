// Workers over HTTP: whose they are, who speaks for them, and that every request has one answer.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { manualClock } from "@openagents/testing";
import { openDevice, ownerByName } from "./device.ts";
import { startHarness } from "./harness.ts";

const START_MS = Date.UTC(2026, 0, 2);

async function open(t: TestContext) {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const device = await openDevice(control);
  const path = `/api/runtime/codex/workers/${device.workerId}/requests`;
  return {
    control,
    device,
    ask: (body: object) => control.post(path, { method: "thread/list", ...body }),
    call: async (requestId: string, waitMs = 0) =>
      (await control.get(`${path}/${requestId}?wait_ms=${waitMs}`)).json.call,
  };
}

test("a name belongs to each owner, so nobody takes it from another, and opening it again is the same worker", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const mine = await openDevice(control, "dev_owner_1", "desktopw:shared");
  const theirs = await openDevice(control, "dev_other_1", "desktopw:shared");
  assert.notEqual(mine.workerId, theirs.workerId);
  assert.equal((await openDevice(control, "dev_owner_1", "desktopw:shared")).workerId, mine.workerId);
  const second = await control.post(
    "/api/runtime/codex/workers",
    { name: "desktopw:shared", adapter: "codex" },
    { token: await control.token({ sub: "dev_owner_2" }) },
  );
  assert.deepEqual([second.status, second.json.reason], [409, "worker_of_another_device"]);
  const raced = await Promise.all(
    Array.from({ length: 8 }, () => openDevice(control, "dev_owner_1", "raced")),
  );
  assert.equal(new Set(raced.map(({ workerId }) => workerId)).size, 1);
});

test("a person makes a worker on a device of theirs, and on no other", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const make = (device_id?: string) =>
    control.post("/api/runtime/codex/workers", { name: "a", adapter: "codex", device_id });
  assert.equal((await make("dev_other_1")).status, 404);
  assert.equal((await make()).status, 400);
  const made = await make("dev_owner_1");
  assert.deepEqual([made.status, made.json.worker.presence], [201, "offline"]);
});

test("every route of a worker tells another person, organisation and device that there is none", async (t) => {
  const { control, device, ask } = await open(t);
  await ask({ request_id: "r1" });
  const path = `/api/runtime/codex/workers/${device.workerId}`;
  const event = { events: [{ event_type: "worker.event" }] };
  for (const other of [{ sub: "usr_other" }, { org: "org_b" }, { sub: "dev_other_1" }]) {
    const token = await control.token(other);
    for (const read of ["", "/stream", "/requests/r1"])
      assert.equal((await control.get(path + read, { token })).status, 404, read);
    const commands: [string, object][] = [
      ["/events", event],
      ["/requests", { request_id: "x", method: "thread/list" }],
      ["/claims", { session_id: "session_x" }],
      ["/requests/r1/answer", { response: {} }],
      ["/stop", {}],
    ];
    for (const [route, body] of commands)
      assert.equal((await control.post(path + route, body, { token })).status, 404, route);
  }
});

test("only the worker's own device tells, claims and answers; not its owner, nor another device of theirs", async (t) => {
  const { control, device, ask } = await open(t);
  await ask({ request_id: "r1" });
  const path = `/api/runtime/codex/workers/${device.workerId}`;
  for (const sub of ["usr_owner", "dev_owner_2"]) {
    const token = await control.token({ sub });
    const commands: [string, object][] = [
      ["/events", { events: [{ event_type: "worker.event" }] }],
      ["/claims", { session_id: "session_x" }],
      ["/requests/r1/answer", { response: {} }],
    ];
    for (const [route, body] of commands) {
      const answer = await control.post(path + route, body, { token });
      assert.deepEqual([answer.status, answer.json.code], [403, "device_only"], route);
    }
  }
});

test("a request reaches the device, and its one answer whoever waits for it", async (t) => {
  const { control, device, ask, call } = await open(t);
  const claimed = device.claim({ waitMs: 10_000 });
  const asked = await ask({ request_id: "r1", params: { limit: 5 } });
  assert.deepEqual([asked.status, asked.json.call.status], [202, "open"]);
  const taken = (await claimed).json.call;
  assert.deepEqual([taken.request_id, taken.params, taken.claims], ["r1", { limit: 5 }, 1]);
  const waiting = call("r1", 10_000);
  assert.equal((await device.answer("r1", { response: { threads: [] } })).status, 200);
  const answered = await waiting;
  assert.deepEqual([answered.status, answered.response], ["answered", { threads: [] }]);
  const stream = await control.get(`/api/runtime/codex/workers/${device.workerId}/stream`);
  assert.deepEqual(
    stream.json.events.map((event: { seq: number; event_type: string }) => [event.seq, event.event_type]),
    [
      [1, "worker.opened"],
      [2, "worker.request"],
      [3, "worker.response"],
    ],
  );
  assert.equal(stream.json.stream_id, `runtime.codex.worker.events.${device.workerId}`);
});

test("of eight terminal answers one is taken, it never changes, and its key repeats it byte for byte", async (t) => {
  const { device, ask, call } = await open(t);
  await ask({ request_id: "r1" });
  await device.claim();
  const error = (n: number) => ({ error: { code: "internal_error", message: `m${n}`, retryable: false } });
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => device.answer("r1", error(n), `k${n}`)),
  );
  const won = answers.findIndex(({ status }) => status === 200);
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ json }) => json.reason === "already_answered").length, 7);
  assert.equal((await device.answer("r1", error(won), `k${won}`)).text, answers[won]?.text);
  assert.deepEqual((await call("r1")).error, error(won).error);
});

test("of eight that ask under one request id one request is made, and another content is refused", async (t) => {
  const { device, ask } = await open(t);
  const asked = await Promise.all(Array.from({ length: 8 }, () => ask({ request_id: "r1" })));
  assert.ok(asked.every(({ status }) => status === 202));
  const other = await ask({ request_id: "r1", params: { limit: 1 } });
  assert.deepEqual([other.status, other.json.reason], [409, "request_id_reused"]);
  assert.equal((await device.claim()).json.call.request_id, "r1");
  assert.equal((await device.claim({ holding: ["r1"] })).json.call, undefined);
});

test("requests are given out in the order in which they were asked, and none that a process says it holds", async (t) => {
  const { device, ask } = await open(t);
  for (const n of [1, 2, 3]) await ask({ request_id: `r${n}` });
  const first = await device.claim();
  const second = await device.claim({ holding: ["r1"] });
  const third = await device.claim({ holding: ["r1", "r2"] });
  assert.deepEqual(
    [first, second, third].map(({ json }) => json.call.request_id),
    ["r1", "r2", "r3"],
  );
});

test("what a process took and did not answer comes again to the next one, and is answered once", async (t) => {
  const { device, ask } = await open(t);
  await ask({ request_id: "r1" });
  await device.claim({ session: "session_dead" });
  const again = (await device.claim({ session: "session_next" })).json.call;
  assert.deepEqual([again.request_id, again.claims], ["r1", 2]);
  assert.equal((await device.answer("r1", { response: {} }, "answer:r1")).status, 200);
  assert.equal(
    (await device.answer("r1", { response: {} }, "answer:r1")).status,
    200,
    "a lost answer is sent again",
  );
  assert.equal((await device.claim({ session: "session_next" })).json.call, undefined);
});

test("what no worker does, what needs a thread, and a device that is away are answered at once, in this order", async (t) => {
  const clock = manualClock(START_MS);
  const control = await startHarness(t, { findDeviceOwner: ownerByName, nowMs: clock.nowMs });
  const device = await openDevice(control);
  clock.advance(60_000);
  const path = `/api/runtime/codex/workers/${device.workerId}/requests`;
  const codeOf = async (request_id: string, method: string) =>
    (await control.post(path, { request_id, method })).json.call.error.code;
  assert.equal(await codeOf("a", "disk/format"), "unsupported_method");
  assert.equal(await codeOf("b", "turn/start"), "invalid_request");
  assert.equal(await codeOf("c", "thread/list"), "worker_unavailable");
  await device.claim();
  const online = await control.post(path, { request_id: "d", method: "thread/list" });
  assert.equal(online.json.call.status, "open");
});

test("what nobody answers in time is answered with timeout, and the device's answer comes too late", async (t) => {
  const { device, ask, call } = await open(t);
  await ask({ request_id: "r1", timeout_ms: 100 });
  await device.claim();
  const ended = await call("r1", 20_000);
  assert.equal(ended.error.code, "timeout");
  assert.equal((await device.answer("r1", { response: {} })).json.reason, "already_answered");
});

test("what no device took before its time was over is answered with worker_unavailable once, and comes to nobody", async (t) => {
  const clock = manualClock(START_MS);
  const control = await startHarness(t, { findDeviceOwner: ownerByName, nowMs: clock.nowMs });
  const device = await openDevice(control);
  const path = `/api/runtime/codex/workers/${device.workerId}`;
  const ask = { request_id: "r1", method: "thread/list", timeout_ms: 60_000 };
  assert.equal((await control.post(`${path}/requests`, ask)).json.call.status, "open");
  clock.advance(61_000);
  // A request waits by the service's clock, which stands; a look comes all the same.
  const callNow = async () => (await control.get(`${path}/requests/r1`)).json.call;
  while ((await callNow()).status !== "answered");
  assert.equal((await callNow()).error.code, "worker_unavailable");
  assert.equal((await device.claim()).json.call, undefined);
  assert.equal((await device.answer("r1", { response: {} })).json.reason, "already_answered");
  const { events } = (await control.get(`${path}/stream`)).json;
  const terminal = events.filter(({ event_type: type }: { event_type: string }) =>
    /^worker[.](response|error)$/.test(type),
  );
  assert.equal(terminal.length, 1);
});

test("the time in which the service was away counts against no device that took a message", async (t) => {
  const clock = manualClock(START_MS);
  const options = { findDeviceOwner: ownerByName, nowMs: clock.nowMs };
  const first = await startHarness(t, options);
  const device = await openDevice(first);
  const { thread_id: thread } = (await first.post("/api/runtime/threads", {})).json.thread;
  await first.post(`/api/runtime/threads/${thread}/messages`, { text: "hello" });
  const { call } = (await device.claim()).json;
  // Of another worker, and due after the message would be: its answer tells that a look has passed both.
  clock.advance(480_000);
  const other = await openDevice(first, "dev_owner_2", "other");
  const sentinel = `/api/runtime/codex/workers/${other.workerId}/requests`;
  await first.post(sentinel, { request_id: "r2", method: "thread/list", timeout_ms: 600_000 });
  await first.stop();
  clock.advance(3_600_000);

  const second = await startHarness(t, { ...options, databaseUrl: first.databaseUrl });
  while ((await second.get(`${sentinel}/r2`)).json.call.status !== "answered");
  const answered = await second.post(
    `/api/runtime/codex/workers/${device.workerId}/requests/${call.request_id}/answer`,
    { response: { summary: "done" } },
    { token: await second.token({ sub: "dev_owner_1" }) },
  );
  assert.equal(answered.status, 200, answered.text);
});

test("two processes of one device, and a second device, answer a request once between them", async (t) => {
  const { control, device, ask, call } = await open(t);
  await ask({ request_id: "r1" });
  const sessions = Array.from({ length: 6 }, (_, at) => `session_${at}`);
  const claims = await Promise.all(sessions.map((session) => device.claim({ session })));
  const counts = claims.map(({ json }) => json.call?.claims).toSorted((a, b) => a - b);
  assert.deepEqual(counts, [1, 2, 3, 4, 5, 6], "each is told how many took it before");
  const token = await control.token({ sub: "dev_owner_2" });
  const path = `/api/runtime/codex/workers/${device.workerId}`;
  const other = () => control.post(`${path}/requests/r1/answer`, { response: { by: "other" } }, { token });
  const answers = await Promise.all([
    ...sessions.map((session) => device.answer("r1", { response: { by: session } })),
    other(),
  ]);
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.at(-1)?.json.code, "device_only");
  assert.match((await call("r1")).response.by, /^session_/);
});

test("what a device tells is told as its own worker's, and is bounded", async (t) => {
  const { control, device, ask } = await open(t);
  await ask({ request_id: "r1" });
  await device.claim();
  const payload = { worker_id: "cwk_of_somebody_else", seq: 7 };
  assert.equal((await device.tell([{ event_type: "worker.event", payload }])).status, 202);
  assert.equal((await device.tell([{ event_type: "worker.response", payload }])).status, 400);
  const { events } = (await control.get(`/api/runtime/codex/workers/${device.workerId}/stream`)).json;
  assert.equal(events.at(-1).payload.worker_id, device.workerId);
  const sizes = [500_000, 1_000_000, 1_100_000, 5_000_000];
  const statuses: number[] = [];
  for (const size of sizes) {
    const told = await device.tell([{ event_type: "worker.event", payload: { text: "x".repeat(size) } }]);
    const answered = await device.answer("r1", { response: { text: "\u0000é".repeat(size / 3) } });
    for (const { status, json } of [told, answered]) {
      statuses.push(status);
      assert.ok(status < 500, JSON.stringify(json));
    }
  }
  assert.ok(statuses.includes(413), "there is a limit");
  assert.equal((await device.tell([])).status, 400);
});

test("a stopped worker answers everything with worker_unavailable, and takes nothing until it is opened again", async (t) => {
  const { control, device, ask, call } = await open(t);
  await ask({ request_id: "r1" });
  const path = `/api/runtime/codex/workers/${device.workerId}`;
  const stops = await Promise.all(Array.from({ length: 4 }, () => control.post(`${path}/stop`, {})));
  assert.equal(stops.filter(({ status }) => status === 200).length, 1);
  const ended = await call("r1", 20_000);
  assert.equal(ended.error.code, "worker_unavailable");
  assert.equal((await device.claim()).json.reason, "worker_stopped");
  assert.equal((await device.tell([{ event_type: "worker.event" }])).json.reason, "worker_stopped");
  assert.equal((await openDevice(control)).workerId, device.workerId);
  assert.equal((await device.claim()).status, 200);
});

test("requests and answers outlive the service", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  const device = await openDevice(control);
  await control.post(`/api/runtime/codex/workers/${device.workerId}/requests`, {
    request_id: "r1",
    method: "thread/list",
    timeout_ms: 600_000,
  });
  await device.claim();
  await control.stop();
  const again = await startHarness(t, { findDeviceOwner: ownerByName, databaseUrl: control.databaseUrl });
  const path = `/api/runtime/codex/workers/${device.workerId}`;
  const { token } = device;
  const claimed = await again.post(`${path}/claims`, { session_id: "session_next" }, { token });
  assert.deepEqual([claimed.json.call.request_id, claimed.json.call.claims], ["r1", 2]);
  await again.post(`${path}/requests/r1/answer`, { response: { ok: 1 } }, { token });
  assert.deepEqual((await again.get(`${path}/requests/r1`)).json.call.response, { ok: 1 });
});
