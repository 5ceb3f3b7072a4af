// A fork shares the log up to its event, continues number and chain, and takes
// nothing of the money along.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chainEvent, type JsonObject } from "@openagents/receipts";
import { startHarness, type Harness } from "./harness.ts";
import { FIXED, settle, startMarket, workAndVerify } from "./market.ts";

type Line = JsonObject & { readonly seq: number; readonly chain_sha256: string };

test("a fork's replay can be checked from the first event on, through every run that it came from", async (t) => {
  const runtime = await startHarness(t);
  const first = await openRun(runtime);
  for (const n of [2, 3, 4, 5]) await append(runtime, first, n);
  const second = await fork(runtime, first, { at_seq: 3 });
  assert.deepEqual([second.latest_seq, second.forked_from, second.fork_seq], [4, first, 3]);
  await append(runtime, second.run_id, 99);
  const third = await fork(runtime, second.run_id, {});
  const inPrefix = await fork(runtime, third.run_id, { at_seq: 2 });
  for (const [run, types] of [
    [third, ["run.started", "note", "note", "run.forked", "note", "run.forked"]],
    [inPrefix, ["run.started", "note", "run.forked"]],
  ] as const) {
    const path = `/internal/v1/runs/${run.run_id}`;
    const lines = (await runtime.get(`${path}/replay`)).text.trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "RuntimeEvent");
    assert.deepEqual(
      events.map((line) => line.event_type),
      types,
    );
    assert.equal(headOf(events), run.trajectory_hash);
    for (const limit of [1, 2, 500]) assert.deepEqual(await pages(runtime, path, limit), types);
  }
  assert.equal(
    (await runtime.get(`/internal/v1/runs/${first}`)).json.run.latest_seq,
    5,
    "the first is untouched",
  );
});

test("a fork of an ended run goes on, with its own end and nothing of what was paid", async (t) => {
  const market = await startMarket(t);
  const { runtime, runId } = market;
  const { job } = await workAndVerify(market, FIXED);
  await settle(market, job);
  await runtime.post(`/internal/v1/runs/${runId}/events`, {
    event_type: "run.finished",
    payload: { status: "succeeded" },
  });
  const forked = await fork(runtime, runId, {});
  assert.equal(forked.status, "running");
  const receipt = (await runtime.get(`/internal/v1/runs/${forked.run_id}/receipt`)).json.receipt;
  assert.deepEqual([receipt.payments, receipt.payments_msats_total, receipt.forked_from], [[], 0, runId]);
  const summary = await runtime.get(`/internal/v1/projectors/run-summary/${forked.run_id}`);
  assert.deepEqual(
    [summary.json.summary.spent_msats, summary.json.summary.event_count, summary.json.summary.last_seq],
    [0, 1, forked.latest_seq],
  );
  const spent = (await runtime.get(`/internal/v1/runs/${runId}/receipt`)).json.receipt.payments_msats_total;
  assert.ok(spent > 0);
  const ended = await runtime.post(`/internal/v1/runs/${forked.run_id}/events`, {
    event_type: "run.finished",
    payload: { status: "failed" },
  });
  assert.equal(ended.json.status, "failed");
});

test("a fork is refused beyond the last event and beyond sixteen, and is nobody else's", async (t) => {
  const runtime = await startHarness(t);
  const first = await openRun(runtime);
  const path = (runId: string) => `/internal/v1/runs/${runId}/fork`;
  const beyond = await runtime.post(path(first), { at_seq: 2 });
  assert.deepEqual([beyond.status, beyond.json.reason], [409, "seq_not_reached"]);
  const token = await runtime.token({ sub: "usr_b", org: "org_b" });
  assert.equal((await runtime.post(path(first), {}, { token })).status, 404);
  let runId = first;
  for (let depth = 0; depth < 16; depth += 1) runId = (await fork(runtime, runId, {})).run_id;
  assert.equal((await runtime.post(path(runId), {})).json.reason, "fork_too_deep");
  assert.equal((await runtime.post(path(runId), { at_seq: 99 })).json.reason, "seq_not_reached");
});

test("the same key forks once, and another point under it is refused", async (t) => {
  const runtime = await startHarness(t);
  const first = await openRun(runtime);
  await append(runtime, first, 2);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => runtime.post(`/internal/v1/runs/${first}/fork`, {}, { key: "k" })),
  );
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.equal((await runtime.get("/internal/v1/runs")).json.runs.length, 2);
  const other = await runtime.post(`/internal/v1/runs/${first}/fork`, { at_seq: 1 }, { key: "k" });
  assert.equal(other.json.code, "idempotency_key_reused");
});

function headOf(events: readonly (Line & { event_type: string; payload: JsonObject; t: string })[]): string {
  let head: string | undefined;
  for (const [index, { seq, event_type, payload, t, chain_sha256 }] of events.entries()) {
    assert.equal(seq, index + 1);
    head = chainEvent(head, { seq, event_type, payload, recorded_at: t });
    assert.equal(chain_sha256, head);
  }
  return `sha256:${head}`;
}

async function pages(runtime: Harness, path: string, limit: number): Promise<string[]> {
  const types: string[] = [];
  for (;;) {
    const page = (await runtime.get(`${path}/events?after_seq=${types.length}&limit=${limit}`)).json;
    assert.ok(page.events.length > 0 && page.events.length <= limit);
    for (const event of page.events) types.push(event.event_type);
    if (types.length === page.latest_seq) return types;
  }
}

async function openRun(runtime: Harness): Promise<string> {
  return (await runtime.post("/internal/v1/runs", { metadata: { agent: "x" } })).json.run.run_id;
}

async function append(runtime: Harness, runId: string, n: number): Promise<void> {
  const answer = await runtime.post(`/internal/v1/runs/${runId}/events`, {
    event_type: "note",
    payload: { n },
  });
  assert.equal(answer.status, 200, answer.text);
}

async function fork(runtime: Harness, runId: string, body: object) {
  const answer = await runtime.post(`/internal/v1/runs/${runId}/fork`, body);
  assert.equal(answer.status, 201, answer.text);
  return answer.json.run;
}
