// Exports to a forge over HTTP: one of a kind to a target, sent by one at a time,
// and never again while it is unknown whether it was.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness, type Harness } from "./harness.ts";

const PULL_REQUEST = { kind: "pull_request", target: "github.com/o/r", content: { title: "Fix" } };

test("of eight that intend the same under keys of their own one is made, and all get it", async (t) => {
  const runtime = await startHarness(t);
  const run = await openRun(runtime);
  const answers = await Promise.all(Array.from({ length: 8 }, () => run.request(PULL_REQUEST)));
  assert.ok(answers.every(({ status }) => status === 201));
  assert.equal(new Set(answers.map(({ json }) => json.export.export_id)).size, 1);
  const differs = await run.request({ ...PULL_REQUEST, content: { title: "Other" } });
  assert.deepEqual([differs.status, differs.json.reason], [409, "export_differs"]);
  await run.request({ ...PULL_REQUEST, kind: "status_comment" });
  await run.request({ ...PULL_REQUEST, target: "github.com/o/fork" });
  const { exports } = (await run.list()).json;
  assert.deepEqual(
    exports.map((each: { kind: string; target: string; status: string }) => [
      each.kind,
      each.target,
      each.status,
    ]),
    [
      ["pull_request", "github.com/o/r", "pending"],
      ["status_comment", "github.com/o/r", "pending"],
      ["pull_request", "github.com/o/fork", "pending"],
    ],
  );
  assert.deepEqual(await run.types(), ["export.requested", "export.requested", "export.requested"]);
});

test("of eight that begin one may send; after it died the rest look it up, and what is not there may be sent again", async (t) => {
  const runtime = await startHarness(t);
  const run = await openRun(runtime);
  const { export_id: id, marker } = (await run.request(PULL_REQUEST)).json.export;
  const begins = await Promise.all(Array.from({ length: 8 }, () => run.begin(id)));
  assert.equal(begins.filter(({ status }) => status === 200).length, 1);
  for (const { json } of begins.filter(({ status }) => status !== 200)) {
    assert.equal(json.reason, "export_unknown");
    assert.ok(json.detail.includes(marker), "the refusal says what to look for");
  }
  const absent = await run.outcome(id, { outcome: "absent" });
  assert.equal(absent.json.export.status, "pending");
  assert.equal((await run.begin(id)).json.export.attempts, 2);
  const done = await run.outcome(id, { outcome: "succeeded", url: "https://forge/pulls/1" });
  assert.equal(done.json.export.status, "succeeded");
  assert.equal((await run.begin(id)).json.reason, "export_succeeded");
  assert.deepEqual(await run.types(), [
    "export.requested",
    "export.begun",
    "export.absent",
    "export.begun",
    "forge.updated",
  ]);
});

test("an outcome told again is the same receipt, another one is refused, and both are in the run's receipts", async (t) => {
  const runtime = await startHarness(t);
  const run = await openRun(runtime);
  const { export_id: id } = (await run.request(PULL_REQUEST)).json.export;
  await run.begin(id);
  const failed = { outcome: "failed", detail: "the token may not write" };
  const first = await run.outcome(id, failed);
  assert.equal((await run.outcome(id, failed)).json.receipt_id, first.json.receipt_id);
  await run.begin(id);
  const url = "https://forge/pulls/1";
  const done = await run.outcome(id, { outcome: "succeeded", url });
  assert.equal((await run.outcome(id, { outcome: "succeeded", url })).json.receipt_id, done.json.receipt_id);
  for (const other of [failed, { outcome: "absent" }, { outcome: "succeeded", url: "https://forge/pulls/2" }])
    assert.equal((await run.outcome(id, other)).json.reason, "export_succeeded");
  const receipts = (await runtime.get(`/internal/v1/receipts?subject=${run.runId}`)).json.receipts;
  assert.deepEqual(receipts.map((each: { receipt: { schema: string } }) => each.receipt.schema).toSorted(), [
    "openagents.runtime.export_requested.v1",
    "openagents.runtime.forge_skipped.v1",
    "openagents.runtime.forge_updated.v1",
    "openagents.runtime.run_created.v1",
  ]);
  const summary = (await runtime.get(`/internal/v1/projectors/run-summary/${run.runId}`)).json.summary;
  assert.equal(summary.forge_url, url);
});

test("a run that ended is exported still, outlives a restart, and is nobody else's", async (t) => {
  const before = await startHarness(t);
  const opened = await openRun(before);
  await opened.append("run.finished", { status: "succeeded" });
  const { export_id: id } = (await opened.request(PULL_REQUEST)).json.export;
  assert.equal((await opened.begin(id)).status, 200);
  await before.stop();
  const runtime = await startHarness(t, { databaseUrl: before.databaseUrl });
  const run = runOn(runtime, opened.runId);
  assert.equal((await run.begin(id)).json.reason, "export_unknown");
  const token = await runtime.token({ sub: "usr_b", org: "org_b" });
  assert.equal((await runtime.get(run.path, { token })).status, 404);
  assert.equal((await runtime.post(run.path, PULL_REQUEST, { token })).status, 404);
  assert.equal((await runtime.post(`${run.path}/${id}/begin`, {}, { token })).status, 404);
  const other = await openRun(runtime);
  assert.equal((await other.begin(id)).json.code, "export_not_found", "an export is of its own run");
});

test("a run has fifty exports at most, and a target carries no secret", async (t) => {
  const runtime = await startHarness(t);
  const run = await openRun(runtime);
  for (let n = 0; n < 50; n += 1) await run.request({ ...PULL_REQUEST, target: `forge/o/${n}` });
  assert.equal((await run.request(PULL_REQUEST)).json.reason, "exports_max");
  assert.equal((await run.request({ ...PULL_REQUEST, target: "forge/o/1" })).status, 201);
  assert.equal((await run.list()).json.exports.length, 50);
  assert.equal((await run.request({ ...PULL_REQUEST, target: "https://me:token@forge/o/r" })).status, 400);
});

async function openRun(runtime: Harness) {
  return runOn(runtime, (await runtime.post("/internal/v1/runs", {})).json.run.run_id);
}

function runOn(runtime: Harness, runId: string) {
  const path = `/internal/v1/runs/${runId}/exports`;
  return {
    runId,
    path,
    request: (body: object) => runtime.post(path, body),
    list: () => runtime.get(path),
    begin: (id: string) => runtime.post(`${path}/${id}/begin`, {}),
    outcome: (id: string, body: object) => runtime.post(`${path}/${id}/outcome`, body),
    append: (eventType: string, payload: object) =>
      runtime.post(`/internal/v1/runs/${runId}/events`, { event_type: eventType, payload }),
    async types(): Promise<string[]> {
      const { events } = (await runtime.get(`/internal/v1/runs/${runId}/events`)).json;
      return events.map((event: { event_type: string }) => event.event_type).slice(1);
    },
  };
}
