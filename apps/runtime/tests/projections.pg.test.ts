// What is derived from events: it follows them, can be made again, tells when it
// is wrong, and never stands in a command's way.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, statement } from "@openagents/postgres";
import { MIGRATIONS } from "@openagents/runtime";
import { testDatabase } from "@openagents/testing";
import { startHarness, type Harness } from "./harness.ts";
import { FIXED, settle, startMarket, workAndVerify } from "./market.ts";

const HASH = /^sha256:[0-9a-f]{64}$/;

test("a summary is what the run's events come to, at once, and its checkpoint follows", async (t) => {
  const market = await startMarket(t);
  const run = readerOf(market.runtime, market.runId);
  const before = await run.summary();
  assert.deepEqual([before.verdict, before.spent_msats, before.reserved_msats > 0], [undefined, 0, true]);
  const { job } = await workAndVerify(market, FIXED);
  await settle(market, job);
  const after = await run.summary();
  const receipt = (await market.runtime.get(`${run.path}/receipt`)).json.receipt;
  assert.deepEqual(
    [after.verdict, after.assurance, after.reserved_msats, after.spent_msats, after.waits_for_review],
    ["proven", "self", 0, receipt.payments_msats_total, false],
  );
  assert.match(after.projection_hash, HASH);
  await run.caughtUp();
  const { checkpoint } = (await run.get("checkpoints")).json;
  assert.deepEqual(
    [checkpoint.topic, checkpoint.last_seq, checkpoint.last_event_type],
    [`run:${market.runId}:events`, after.last_seq, "payment.released"],
  );
  const page = `newest_run_id=${market.runId}&oldest_run_id=${market.runId}`;
  const listed = await market.runtime.get(`/internal/v1/projectors/run-summaries?${page}`);
  assert.deepEqual(listed.json.summaries, [after]);
});

test("made again, projections have the same hash: one event at a time, all at once, and after a restart", async (t) => {
  const before = await startHarness(t);
  const opened = await openRun(before);
  const run = readerOf(before, opened);
  for (let n = 0; n < 20; n += 1) {
    await run.append("agent.message", { n, attempt: n % 3 });
    if (n % 5 === 0) await run.caughtUp();
  }
  await run.caughtUp();
  const { projection_hash: followed } = await run.summary();
  const rebuilt = (await run.rebuild()).json;
  assert.deepEqual([rebuilt.summary.projection_hash, rebuilt.previous_hash], [followed, followed]);
  await before.stop();
  const after = readerOf(await startHarness(t, { databaseUrl: before.databaseUrl }), opened);
  assert.equal((await after.rebuild()).json.summary.projection_hash, followed);
  await after.append("agent.message", {});
  await after.caughtUp();
  assert.equal((await after.drift()).reason, "none", "a restart begins no numbers anew");
});

test("a projection that is not what its events give is told, by what is wrong with it, and made right", async (t) => {
  const { db, url } = await testDatabase(t, { directories: MIGRATIONS });
  const runtime = await startHarness(t, { databaseUrl: url });
  const run = readerOf(runtime, await openRun(runtime));
  await run.append("agent.message", {});
  await run.caughtUp();
  const right = await run.drift();
  assert.deepEqual([right.drifted, right.reason, right.expected_next_seq], [false, "none", 3]);
  for (const [change, reason] of [
    ["projection_hash = 'sha256:00'", "hash_differs"],
    ["chain_hash = 'ff'", "chain_differs"],
    ["last_seq = 99", "ahead_of_log"],
  ] as const) {
    const text = `UPDATE runtime.run_projections SET ${change} WHERE run_id = $1`;
    await db.query(statement(`test.break_${reason}`, text), [run.runId]);
    const drift = await run.drift();
    assert.deepEqual([drift.drifted, drift.reason], [true, reason]);
    assert.match((await run.summary()).projection_hash, HASH);
    await run.rebuild();
    assert.equal((await run.drift()).reason, "none", reason);
  }
});

test("a projector that fails fails no command, holds up no other run, and catches up when it can", async (t) => {
  const { url, ownerUrl } = await testDatabase(t, { directories: MIGRATIONS });
  const owner = connect({ url: ownerUrl, applicationName: "test" });
  t.after(() => owner.close());
  const alter = (name: string, text: string) =>
    owner.query(statement(`test.${name}`, `ALTER TABLE runtime.run_projections ${text}`));
  await alter("break", `ADD CONSTRAINT broken CHECK (summary NOT LIKE '%"note"%')`);
  const runtime = await startHarness(t, { databaseUrl: url });
  const broken = readerOf(runtime, await openRun(runtime));
  const answer = await broken.append("note", {});
  assert.equal(answer.status, 200, "the event is there, whatever becomes of the projection");
  const other = readerOf(runtime, await openRun(runtime));
  await other.caughtUp();
  assert.equal((await broken.summary()).last_event_type, "note", "a summary needs no projector");
  await alter("mend", "DROP CONSTRAINT broken");
  await broken.caughtUp();
  assert.equal((await broken.drift()).reason, "none");
});

test("appends and rebuilds at once end in the projection of the last event", async (t) => {
  const runtime = await startHarness(t);
  const run = readerOf(runtime, await openRun(runtime));
  await Promise.all(
    Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? run.append("note", { n }) : run.rebuild())),
  );
  await run.caughtUp();
  assert.deepEqual((await run.drift()).reason, "none");
});

test("nobody else sees or makes a run's projection", async (t) => {
  const runtime = await startHarness(t);
  const runId = await openRun(runtime);
  const token = await runtime.token({ sub: "usr_b", org: "org_b" });
  for (const what of ["checkpoints", "run-summary", "drift"])
    assert.equal((await runtime.get(`/internal/v1/projectors/${what}/${runId}`, { token })).status, 404);
  const rebuilt = await runtime.post(`/internal/v1/projectors/rebuild/${runId}`, {}, { token });
  assert.equal(rebuilt.status, 404);
  const page = `newest_run_id=${runId}&oldest_run_id=run_${"0".repeat(32)}`;
  const listed = await runtime.get(`/internal/v1/projectors/run-summaries?${page}`, { token });
  assert.deepEqual(listed.json.summaries, []);
});

async function openRun(runtime: Harness): Promise<string> {
  return (await runtime.post("/internal/v1/runs", {})).json.run.run_id;
}

function readerOf(runtime: Harness, runId: string) {
  const path = `/internal/v1/runs/${runId}`;
  const get = (what: string) => runtime.get(`/internal/v1/projectors/${what}/${runId}`);
  return {
    runId,
    path,
    get,
    append: (eventType: string, payload: object) =>
      runtime.post(`${path}/events`, { event_type: eventType, payload }),
    rebuild: () => runtime.post(`/internal/v1/projectors/rebuild/${runId}`, {}),
    summary: async () => (await get("run-summary")).json.summary,
    drift: async () => (await get("drift")).json,
    async caughtUp(): Promise<void> {
      for (;;) {
        const { latest_seq: latest } = (await runtime.get(path)).json.run;
        if ((await get("checkpoints")).json.checkpoint?.last_seq === latest) return;
        await new Promise(setImmediate);
      }
    },
  };
}
