// Streams are handed to a SpacetimeDB server in order and without a gap, whatever
// is lost between, and no command ever waits for it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness, type Harness } from "./harness.ts";
import { startSpacetimeStandIn, type SpacetimeStandIn } from "./spacetime-stand-in.ts";
import { readRefusal } from "../src/mirror/append-event.ts";

test("what commits arrives once and in order, also when answers are lost", async (t) => {
  const server = await startSpacetimeStandIn(t);
  const runtime = await startHarness(t, { spacetime: settingsOf(server) });
  const streamId = await openRun(runtime);
  await arrived(server, streamId, 1);
  server.loseAnswer = true;
  for (let n = 2; n <= 6; n += 1) await append(runtime, streamId);
  await arrived(server, streamId, 6);
  await assertEqualLogs(runtime, server, streamId);
});

test("a stream that is refused waits alone, and commands go on meanwhile", async (t) => {
  const server = await startSpacetimeStandIn(t);
  const runtime = await startHarness(t, { spacetime: settingsOf(server) });
  const poisoned = await openRun(runtime);
  await arrived(server, poisoned, 1);
  server.refuse = (id) => (id === poisoned ? { status: 530, body: "no" } : undefined);
  await append(runtime, poisoned);
  const other = await openRun(runtime);
  await arrived(server, other, 1);
  assert.equal(server.streams.get(poisoned)?.length, 1);
  server.refuse = undefined;
  await arrived(server, poisoned, 2);
  await assertEqualLogs(runtime, server, poisoned);
});

test("a server that is away, and a runtime that was stopped meanwhile, lose nothing", async (t) => {
  const server = await startSpacetimeStandIn(t);
  server.refuse = () => ({ status: 503, body: "away" });
  const first = await startHarness(t, { spacetime: settingsOf(server) });
  const streamId = await openRun(first);
  await append(first, streamId);
  await first.stop();
  server.refuse = undefined;
  const second = await startHarness(t, { spacetime: settingsOf(server), databaseUrl: first.databaseUrl });
  await arrived(server, streamId, 2);
  await assertEqualLogs(second, server, streamId);
});

test("a server that lost its data is filled again from the first event", async (t) => {
  const server = await startSpacetimeStandIn(t);
  const first = await startHarness(t, { spacetime: settingsOf(server) });
  const streamId = await openRun(first);
  await arrived(server, streamId, 1);
  await first.stop();
  const empty = await startSpacetimeStandIn(t);
  const second = await startHarness(t, { spacetime: settingsOf(empty), databaseUrl: first.databaseUrl });
  await append(second, streamId);
  await arrived(empty, streamId, 2);
  await assertEqualLogs(second, empty, streamId);
});

test("refusals are told apart by what can be done about them", () => {
  const conflict = readRefusal(530, "sequence_conflict expected_next_seq=5 actual_next_seq=3");
  assert.deepEqual(conflict, { kind: "conflict", nextSeq: 3n });
  const failures = [401, 403, 429, 400, 404, 530, 500, 503].map((status) => {
    const read = readRefusal(status, "");
    return read.kind === "failed" ? read.failure : read.kind;
  });
  assert.deepEqual(failures, [
    "unauthorized",
    "unauthorized",
    "rate_limited",
    "rejected",
    "rejected",
    "rejected",
    "unreachable",
    "unreachable",
  ]);
});

function settingsOf({ url }: SpacetimeStandIn) {
  return { url, database: "autopilot-sync", token: undefined };
}

async function openRun(runtime: Harness): Promise<string> {
  const { json } = await runtime.post("/internal/v1/runs", { issue: { title: "x", body: "" } });
  return `runtime.run.${json.run.run_id}.events`;
}

async function append(runtime: Harness, streamId: string): Promise<void> {
  const runId = streamId.split(".")[2];
  const answer = await runtime.post(`/internal/v1/runs/${runId}/events`, { event_type: "note", payload: {} });
  assert.equal(answer.status, 200, answer.text);
}

async function arrived({ streams }: SpacetimeStandIn, streamId: string, count: number): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  while ((streams.get(streamId)?.length ?? 0) < count) {
    assert.ok(Date.now() < deadlineMs, `${streams.get(streamId)?.length ?? 0} of ${count} events arrived`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function assertEqualLogs(
  runtime: Harness,
  { streams }: SpacetimeStandIn,
  streamId: string,
): Promise<void> {
  const { json } = await runtime.get(`/internal/v1/streams/${streamId}/events`);
  const ours = (json.events as { seq: number; payload_hash: string }[]).map((event) => [
    event.seq,
    event.payload_hash,
  ]);
  const theirs = streams.get(streamId)?.map((event) => [event.seq, event.payloadHash]);
  assert.deepEqual(theirs, ours);
}
