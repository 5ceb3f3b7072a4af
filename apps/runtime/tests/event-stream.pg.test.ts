// A run's log as server-sent events: the same events in the same order, each once,
// from behind the last that a client has, whoever appends.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startHarness, type Harness } from "./harness.ts";

type Told = { readonly id: string; readonly event: string; readonly data: string };

test("what is stored comes first, then what is appended, and after the end nothing", async (t) => {
  const runtime = await startHarness(t);
  const runId = await openRun(runtime);
  const events = await follow(t, runtime, runId);
  assert.deepEqual((await events.next()).event, "run.started");
  for (const n of [2, 3, 4]) {
    await append(runtime, runId, "note", { n });
    const told = await events.next();
    assert.deepEqual([told.id, told.event, JSON.parse(told.data).payload.n], [String(n), "note", n]);
  }
  await append(runtime, runId, "run.finished", { status: "succeeded" });
  assert.equal((await events.next()).event, "run.finished");
  assert.equal(await events.rest(), "", "the connection ends");

  const again = await ask(runtime, runId, { "last-event-id": "5" });
  assert.equal(again.status, 204, "a browser stops asking");
});

test("a client that was cut off goes on behind the last event that it has", async (t) => {
  const runtime = await startHarness(t);
  const runId = await openRun(runtime);
  for (const n of [2, 3, 4]) await append(runtime, runId, "note", { n });
  const events = await follow(t, runtime, runId, { "last-event-id": "2" });
  assert.deepEqual([(await events.next()).id, (await events.next()).id], ["3", "4"]);
  const fromPage = await follow(t, runtime, runId, {}, "?after_seq=3");
  assert.equal((await fromPage.next()).id, "4");
});

test("it is a read like any other: JSON by default, 404 for strangers, 400 for garbage, no way to write", async (t) => {
  const runtime = await startHarness(t);
  const runId = await openRun(runtime);
  assert.equal((await runtime.get(`/internal/v1/runs/${runId}/events`)).json.latest_seq, 1);
  const stranger = await runtime.token({ sub: "usr_b", org: "org_b" });
  assert.equal((await ask(runtime, runId, {}, "", stranger)).status, 404);
  const garbage = await ask(runtime, runId, { "last-event-id": "x" });
  assert.equal(garbage.status, 400);
  const post = await fetch(`${runtime.url}/internal/v1/runs/${runId}/events`, {
    method: "POST",
    headers: { accept: "text/event-stream", authorization: `Bearer ${await runtime.token()}` },
  });
  assert.equal(post.headers.get("content-type"), "application/problem+json");
});

test("a runtime that stops lets its followers go at once", async (t) => {
  const runtime = await startHarness(t);
  const runId = await openRun(runtime);
  const events = await follow(t, runtime, runId);
  await events.next();
  await runtime.stop();
  assert.equal(await events.rest(), "");
});

async function openRun(runtime: Harness): Promise<string> {
  return (await runtime.post("/internal/v1/runs", { issue: { title: "x", body: "" } })).json.run.run_id;
}

async function append(runtime: Harness, runId: string, eventType: string, payload: object): Promise<void> {
  const answer = await runtime.post(`/internal/v1/runs/${runId}/events`, { event_type: eventType, payload });
  assert.equal(answer.status, 200, answer.text);
}

async function ask(
  runtime: Harness,
  runId: string,
  headers: Record<string, string> = {},
  query = "",
  token?: string,
): Promise<Response> {
  return fetch(`${runtime.url}/internal/v1/runs/${runId}/events${query}`, {
    headers: {
      accept: "text/event-stream",
      authorization: `Bearer ${token ?? (await runtime.token())}`,
      ...headers,
    },
  });
}

async function follow(
  t: TestContext,
  runtime: Harness,
  runId: string,
  headers: Record<string, string> = {},
  query = "",
) {
  const response = await ask(runtime, runId, headers, query);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  t.after(() => reader.cancel().catch(() => undefined));
  const read = () => reader.read();
  let text = "";

  /** The next block that is no comment; undefined at the end. */
  async function block(): Promise<string | undefined> {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const found = text.slice(0, end);
        text = text.slice(end + 2);
        if (!found.startsWith(":")) return found;
        continue;
      }
      const { value, done } = await read();
      if (done) return undefined;
      text += value;
    }
  }
  return {
    async next(): Promise<Told> {
      const found = await block();
      assert.ok(found !== undefined, "the stream ended");
      const fields = new Map(found.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      return {
        id: fields.get("id") ?? "",
        event: fields.get("event") ?? "",
        data: fields.get("data") ?? "",
      };
    },
    /** What is left until the end. */
    rest: async () => (await block()) ?? "",
  };
}
