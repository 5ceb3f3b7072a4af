// One executor of a run at a time, over HTTP and on a real database.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { startHarness, type Harness } from "./harness.ts";

const LEASE_MS = 30_000;
const LOST_AFTER_MS = 15_000;

const A = `exe_${"a".repeat(32)}`;
const B = `exe_${"b".repeat(32)}`;

test("of eight executors that ask at once exactly one gets the run, and the others hear until when", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const run = await openRun(runtime);
  const ids = Array.from({ length: 8 }, (_, n) => `exe_${String(n).repeat(32)}`);
  const answers = await Promise.all(ids.map((id) => run.acquire(id)));
  const winners = answers.filter((answer) => answer.status === 200);
  assert.equal(winners.length, 1);
  assert.equal(winners[0]?.json.lease.epoch, 1);
  assert.equal(winners[0]?.json.lease.renew_every_ms, 10_000);
  const until = new Date(clock.nowMs() + LEASE_MS).toISOString();
  assert.equal(winners[0]?.json.lease.expires_at, until);
  for (const answer of answers.filter((each) => each.status !== 200)) {
    assert.equal(answer.status, 409, answer.text);
    assert.equal(answer.json.reason, "executor_held");
    assert.ok(answer.json.detail.includes(until), answer.json.detail);
  }
  assert.deepEqual(await run.executorEvents(), [
    ["run.executor_acquired", { epoch: 1, executor_id: winners[0]?.json.lease.executor_id }],
  ]);
});

test("a lapsed executor is taken over on the record, and can write no more", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const run = await openRun(runtime);
  assert.equal((await run.acquire(A)).json.lease.epoch, 1);
  clock.advance(LEASE_MS);
  assert.equal((await run.append(1)).status, 200, "lapsed, but nobody took over");
  assert.equal((await run.acquire(B)).json.lease.epoch, 2);
  assert.deepEqual(await run.executorEvents(), [
    ["run.executor_acquired", { epoch: 1, executor_id: A }],
    ["run.executor_lost", { epoch: 1, executor_id: A }],
    ["run.executor_acquired", { epoch: 2, executor_id: B }],
  ]);
  for (const epoch of [1, undefined, 3]) {
    const late = await run.append(epoch);
    assert.equal(late.status, 409);
    assert.equal(late.json.reason, "executor_fenced");
  }
  assert.equal((await run.renew(A, 1)).json.reason, "executor_fenced");
  assert.equal((await run.acquire(A)).json.reason, "executor_held");
  assert.equal((await run.append(2)).status, 200);
});

test("of eight that take over a lapsed lease at once exactly one does", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const run = await openRun(runtime);
  await run.acquire(A);
  clock.advance(LEASE_MS);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => run.acquire(`exe_${String(n).repeat(32)}`)),
  );
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
  assert.equal(answers.filter((answer) => answer.status === 409).length, 7);
  const lost = (await run.executorEvents()).filter(([type]) => type === "run.executor_lost");
  assert.equal(lost.length, 1);
});

test("nothing of the old executor lands behind the one that took over, however close they are", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const run = await openRun(runtime);
  await run.acquire(A);
  clock.advance(LEASE_MS);
  const appends = Array.from({ length: 12 }, () => run.append(1));
  const [taken, ...appended] = await Promise.all([run.acquire(B), ...appends]);
  assert.equal(taken?.json.lease.epoch, 2);
  const types = await run.eventTypes();
  const before = types.slice(0, types.indexOf("run.executor_lost"));
  assert.ok(!types.slice(before.length).includes("agent.message"));
  assert.equal(
    before.filter((type) => type === "agent.message").length,
    appended.filter((answer) => answer.status === 200).length,
  );
});

test("renewing holds the lease past its time, without an event", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const run = await openRun(runtime);
  await run.acquire(A);
  for (let n = 0; n < 5; n += 1) {
    clock.advance(LEASE_MS - 1);
    const renewed = await run.renew(A, 1);
    assert.equal(renewed.json.lease.expires_at, new Date(clock.nowMs() + LEASE_MS).toISOString());
    assert.equal((await run.acquire(B)).json.reason, "executor_held");
  }
  assert.equal((await run.acquire(A)).json.lease.epoch, 1, "the holder that asks again keeps its epoch");
  assert.equal((await run.executorEvents()).length, 1);
});

test("a released run waits for nobody, and takes nothing from the one that left", async (t) => {
  const runtime = await startHarness(t);
  const run = await openRun(runtime);
  await run.acquire(A);
  assert.equal((await run.release(B, 1)).status, 200);
  assert.equal((await run.append(1)).status, 200, "a stranger's release changes nothing");
  for (let n = 0; n < 2; n += 1) assert.equal((await run.release(A, 1)).text, `{"run_id":"${run.runId}"}`);
  assert.equal((await run.append(1)).json.reason, "executor_fenced");
  assert.equal((await run.append(undefined)).json.reason, "executor_fenced");
  assert.equal((await run.acquire(B)).json.lease.epoch, 2);
  assert.equal((await run.append(2)).status, 200);
  assert.ok((await run.executorEvents()).every(([type]) => type === "run.executor_acquired"));
});

test("the same key answers the same bytes, also after the lease went on to another", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const run = await openRun(runtime);
  const first = await run.acquire(A, "key-of-a");
  const held = await run.acquire(B, "key-of-b");
  clock.advance(LEASE_MS);
  await run.acquire(B);
  for (const [executorId, key, was] of [
    [A, "key-of-a", first],
    [B, "key-of-b", held],
  ] as const) {
    const again = await run.acquire(executorId, key);
    assert.equal(again.text, was.text);
    assert.equal(again.status, was.status);
    assert.equal(again.headers.get("idempotent-replayed"), "true");
  }
  assert.equal((await run.append(2)).status, 200, "a replayed answer is no lease");
});

test("leases and fences outlive the service", async (t) => {
  const clock = manualClock(Date.now());
  const before = await startHarness(t, { nowMs: clock.nowMs });
  const run = await openRun(before);
  await run.acquire(A);
  await before.stop();
  const after = await startHarness(t, { nowMs: clock.nowMs, databaseUrl: before.databaseUrl });
  const again = runOn(after, run.runId);
  assert.equal((await again.acquire(B)).json.reason, "executor_held");
  assert.equal((await again.append(undefined)).json.reason, "executor_fenced");
  assert.equal((await again.renew(A, 1)).status, 200);
  assert.equal((await again.append(1)).status, 200);
});

test("another organisation finds no run to execute, and a finished run has nothing to execute", async (t) => {
  const runtime = await startHarness(t);
  const run = await openRun(runtime);
  const token = await runtime.token({ sub: "usr_b", org: "org_b" });
  const path = `/internal/v1/runs/${run.runId}/executor`;
  assert.equal((await runtime.post(path, { executor_id: A }, { token })).status, 404);
  await run.acquire(A);
  const ended = await run.append(1, "run.finished", { status: "succeeded" });
  assert.equal(ended.json.status, "succeeded", ended.text);
  assert.equal((await run.acquire(B)).json.reason, "run_finished");
  assert.equal((await run.renew(A, 1)).json.reason, "run_finished");
  assert.equal((await run.append(1)).json.reason, "run_finished");
  assert.equal((await run.release(A, 1)).status, 200);
});

test("whoever may write runs asks a run to cancel, and cannot write about its executor", async (t) => {
  const runtime = await startHarness(t);
  const run = await openRun(runtime);
  await run.acquire(A);
  const forged = await run.append(1, "run.executor_lost", { executor_id: A, epoch: 1 });
  assert.equal(forged.status, 403);
  assert.equal(forged.json.reason, "event_type_reserved");
  const asked = await run.append(undefined, "run.cancel_requested");
  assert.equal(asked.json.status, "canceling", asked.text);
});

test("of eight that record a loss at once one does, the holder may come back, and the next loss is another", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const run = await openRun(runtime);
  await run.acquire(A);
  assert.equal((await run.lost()).json.recorded, false, "it is there");
  for (let turn = 0; turn < 2; turn += 1) {
    clock.advance(LEASE_MS + LOST_AFTER_MS);
    const answers = await Promise.all(Array.from({ length: 8 }, () => run.lost()));
    assert.ok(answers.every(({ status }) => status === 200));
    const { executor } = (await run.show()).json.run;
    assert.deepEqual([executor.executor_id, executor.epoch, executor.lost], [A, 1, true]);
    assert.equal((await run.renew(A, 1)).status, 200);
    assert.equal((await run.show()).json.run.executor.lost, false);
  }
  assert.deepEqual(
    (await run.executorEvents()).map(([type]) => type.slice("run.executor_".length)),
    ["acquired", "lost", "returned", "lost", "returned"],
  );
});

test("the runtime records lost executors of every organisation by itself, once, and a takeover adds no second word", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const run = await openRun(runtime);
  await run.acquire(A);
  const ended = await openRun(runtime);
  await ended.acquire(A);
  await ended.append(1, "run.finished", { status: "failed" });
  clock.advance(LEASE_MS + LOST_AFTER_MS);
  while ((await run.executorEvents()).length < 2) await new Promise(setImmediate);
  assert.equal((await run.acquire(B)).json.lease.epoch, 2);
  assert.deepEqual(await run.executorEvents(), [
    ["run.executor_acquired", { epoch: 1, executor_id: A }],
    ["run.executor_lost", { epoch: 1, executor_id: A }],
    ["run.executor_acquired", { epoch: 2, executor_id: B }],
  ]);
  assert.equal((await ended.executorEvents()).length, 1, "a run that ended has no executor to lose");
});

test("only the operator's own may say that an executor is lost", async (t) => {
  const runtime = await startHarness(t);
  const run = await openRun(runtime);
  const token = await runtime.token({ scopes: ["runs:write", "runs:sweep"] });
  const answer = await runtime.post(`/internal/v1/runs/${run.runId}/executor/lost`, {}, { token });
  assert.deepEqual([answer.status, answer.json.code], [403, "missing_scope"]);
});

async function openRun(runtime: Harness) {
  const { run } = (await runtime.post("/internal/v1/runs", {})).json;
  return runOn(runtime, run.run_id);
}

function runOn(runtime: Harness, runId: string) {
  const path = `/internal/v1/runs/${runId}`;
  return {
    runId,
    acquire: (executorId: string, key: string = crypto.randomUUID()) =>
      runtime.post(`${path}/executor`, { executor_id: executorId }, { key }),
    renew: (executorId: string, epoch: number) =>
      runtime.post(`${path}/executor/renew`, { executor_id: executorId, epoch }),
    release: (executorId: string, epoch: number) =>
      runtime.post(`${path}/executor/release`, { executor_id: executorId, epoch }),
    lost: () => runtime.post(`${path}/executor/lost`, {}),
    show: () => runtime.get(path),
    append: (epoch: number | undefined, eventType = "agent.message", payload: object = {}) =>
      runtime.post(`${path}/events`, {
        event_type: eventType,
        payload,
        ...(epoch === undefined ? {} : { executor_epoch: epoch }),
      }),
    async eventTypes(): Promise<string[]> {
      const { events } = (await runtime.get(`${path}/events`)).json;
      return events.map((event: { event_type: string }) => event.event_type);
    },
    async executorEvents(): Promise<[string, object][]> {
      const { events } = (await runtime.get(`${path}/events`)).json;
      return events
        .filter((event: { event_type: string }) => event.event_type.startsWith("run.executor_"))
        .map((event: { event_type: string; payload: object }) => [event.event_type, event.payload]);
    },
  };
}
