// Logs of any size and shape that were accepted can be read again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness } from "./harness.ts";

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
