// Logs of any size and shape that were accepted can be read again, and what is
// appended to them is checked each time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness, type Harness } from "./harness.ts";

test("a log larger than a page is read in parts that join without a gap, and replays whole", async (t) => {
  const runtime = await startHarness(t);
  const { run } = (await runtime.post("/internal/v1/runs", {})).json;
  const path = `/internal/v1/runs/${run.run_id}`;
  const note = "x".repeat(60_000);
  for (let n = 0; n < 60; n += 1) {
    const answer = await runtime.post(`${path}/events`, {
      event_type: "agent.message",
      payload: { n, note },
    });
    assert.equal(answer.status, 200, answer.text.slice(0, 300));
  }
  const seqs: number[] = [];
  let pages = 0;
  for (let after = 0; after < 61; pages += 1) {
    const page = await runtime.get(`${path}/events?after_seq=${after}&limit=500`);
    assert.ok(page.text.length < 3_000_000, "a page is bounded by bytes");
    for (const event of page.json.events) seqs.push(event.seq);
    assert.ok((seqs.at(-1) ?? 0) > after, "every page has at least one event");
    after = seqs.at(-1) ?? 0;
  }
  assert.ok(pages > 1);
  assert.deepEqual(
    seqs,
    Array.from({ length: 61 }, (_, index) => index + 1),
  );
  const replay = await runtime.get(`${path}/replay`);
  assert.equal(replay.text.trimEnd().split("\n").length, 61 + 3);
});

test("an event too large for a page of its own size is refused when it is written, not when it is read", async (t) => {
  const runtime = await startHarness(t);
  const { run } = (await runtime.post("/internal/v1/runs", {})).json;
  const answer = await runtime.post(`/internal/v1/runs/${run.run_id}/events`, {
    event_type: "agent.message",
    payload: { note: "x".repeat(70_000) },
  });
  assert.equal(answer.status, 413);
});

test("metadata as deep as is accepted can be read back, and one level more is refused", async (t) => {
  const runtime = await startHarness(t);
  const nested = (depth: number): object => (depth === 1 ? {} : { in: nested(depth - 1) });
  const deepest = await runtime.post("/internal/v1/runs", { metadata: nested(16) });
  assert.equal(deepest.status, 201, deepest.text);
  const events = await runtime.get(`/internal/v1/runs/${deepest.json.run.run_id}/events`);
  assert.equal(events.status, 200, events.text);
  const deeper = await runtime.post("/internal/v1/runs", { metadata: nested(17) });
  assert.equal(deeper.json.code, "too_deep");
});

test("a replayed append answers the event that it made, not the last one, and changes nothing", async (t) => {
  const runtime = await startHarness(t);
  const append = await appendTo(runtime);
  const first = await append({ event_type: "agent.message", payload: { n: 1 } }, "k1");
  await append({ event_type: "agent.message", payload: { n: 2 } });
  const again = await append({ event_type: "agent.message", payload: { n: 1 } }, "k1");
  assert.equal(again.text, first.text);
  assert.equal(again.json.event.seq, 2);
  assert.equal((await runtime.get(append.path)).json.run.latest_seq, 3);
});

test("a replay with another payload, type or expected number is refused, and moves no status", async (t) => {
  const runtime = await startHarness(t);
  const append = await appendTo(runtime);
  await append({ event_type: "agent.message", payload: { n: 1 }, expected_previous_seq: 1 }, "k1");
  for (const body of [
    { event_type: "agent.message", payload: { n: 2 }, expected_previous_seq: 1 },
    { event_type: "run.cancel_requested", payload: { n: 1 }, expected_previous_seq: 1 },
    { event_type: "run.finished", payload: { status: "succeeded" }, expected_previous_seq: 1 },
    { event_type: "agent.message", payload: { n: 1 }, expected_previous_seq: 2 },
    { event_type: "agent.message", payload: { n: 1 } },
  ]) {
    const drifted = await append(body, "k1");
    assert.deepEqual([drifted.status, drifted.json.code], [422, "idempotency_key_reused"]);
  }
  const { run } = (await runtime.get(append.path)).json;
  assert.deepEqual([run.status, run.latest_seq], ["running", 2]);
});

test("of eight that append after the same event exactly one does, and two finishes cannot both pass", async (t) => {
  const runtime = await startHarness(t);
  const append = await appendTo(runtime);
  const raced = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      append({ event_type: "agent.message", payload: { n }, expected_previous_seq: 1 }),
    ),
  );
  assert.equal(raced.filter(({ status }) => status === 200).length, 1);
  for (const { status, json } of raced.filter((each) => each.status !== 200))
    assert.deepEqual([status, json.reason], [409, "expected_previous_seq_mismatch"]);
  const finishes = await Promise.all(
    ["succeeded", "failed", "canceled", "succeeded"].map((status) =>
      append({ event_type: "run.finished", payload: { status } }),
    ),
  );
  assert.equal(finishes.filter(({ status }) => status === 200).length, 1);
  const { run } = (await runtime.get(append.path)).json;
  const won = finishes.find(({ status }) => status === 200);
  assert.equal(run.status, won?.json.status, "the status is that of the event in the log");
});

test("what only the runtime writes is refused of callers by name, in any status", async (t) => {
  const runtime = await startHarness(t);
  const append = await appendTo(runtime);
  const reserved = ["payment", "payment.released", "budget.reserved", "job.canceled", "forge.updated"];
  const types = [...reserved, "export.begun", "run.forked", "run.executor_lost", "quote.x", "receipt.x"];
  for (const event_type of types) {
    const answer = await append({ event_type, payload: { amount_msats: 1 } });
    assert.deepEqual([answer.status, answer.json.reason], [403, "event_type_reserved"], event_type);
  }
  assert.equal((await runtime.get(append.path)).json.run.latest_seq, 1);
});

test("a finish that does not say how is invalid before anything is looked up, and burns no key", async (t) => {
  const runtime = await startHarness(t);
  const append = await appendTo(runtime);
  const missing = `/internal/v1/runs/run_${"0".repeat(32)}/events`;
  for (const payload of [{}, { status: "done" }, { status: 1 }]) {
    const body = { event_type: "run.finished", payload };
    for (const answer of [await append(body, "k"), await runtime.post(missing, body)])
      assert.deepEqual([answer.status, answer.json.code], [400, "finish_status_invalid"]);
  }
  assert.equal(
    (await append({ event_type: "run.finished", payload: { status: "failed" } }, "k")).status,
    200,
  );
});

test("after a restart a run is what it was: header, log, receipt and replay", async (t) => {
  const before = await startHarness(t);
  const append = await appendTo(before);
  await append({ event_type: "agent.message", payload: { n: 1 } });
  const paths = [append.path, ...["events", "replay"].map((name) => `${append.path}/${name}`)];
  const read = async (runtime: typeof before) =>
    Promise.all(paths.map(async (path) => (await runtime.get(path)).text));
  const was = await read(before);
  await before.stop();
  const after = await startHarness(t, { databaseUrl: before.databaseUrl });
  assert.deepEqual(await read(after), was);
  assert.equal((await after.get(`${append.path}/receipt`)).status, 200);
});

test("a run that goes on is labelled so in its receipt and at the end of its replay, whatever its status", async (t) => {
  const runtime = await startHarness(t);
  const append = await appendTo(runtime);
  const labels = async () => {
    const replay = (await runtime.get(`${append.path}/replay`)).text.trimEnd().split("\n");
    const receipt = (await runtime.get(`${append.path}/receipt`)).json;
    return [JSON.parse(replay.at(-1) ?? "{}").status, receipt.receipt.status];
  };
  assert.deepEqual(await labels(), ["running", "running"]);
  await append({ event_type: "run.cancel_requested" });
  assert.deepEqual(await labels(), ["canceling", "canceling"]);
  await append({ event_type: "run.finished", payload: { status: "canceled" } });
  assert.deepEqual(await labels(), ["canceled", "canceled"]);
});

async function appendTo(runtime: Harness) {
  const { run } = (await runtime.post("/internal/v1/runs", {})).json;
  const path = `/internal/v1/runs/${run.run_id}`;
  const append = (body: object, key: string = crypto.randomUUID()) =>
    runtime.post(`${path}/events`, body, { key });
  return Object.assign(append, { path });
}
