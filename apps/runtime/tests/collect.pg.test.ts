// What is let go of, when, and that nothing that is still wanted ever is.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { connect, statement } from "@openagents/postgres";
import { startHarness } from "./harness.ts";
import { FIXED, startMarket, workAndVerify, settle } from "./market.ts";
import { collect, filesOf, hashOf, statusOf, stored, usageOf } from "./store.ts";

const DAY_MS = 24 * 3_600_000;
const START_MS = 1_790_000_000_000;

test("an upload that nothing names is let go of after seven days, a dry run says so first", async (t) => {
  const clock = startClock();
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const other = { sub: "usr_b", org: "org_b" };
  const sha256 = await stored(runtime, "staged");
  await stored(runtime, "of both");
  clock.pass(7 * DAY_MS - 1);
  await stored(runtime, "of both", await runtime.token(other));
  assert.deepEqual(await collect(runtime), { ended: 0, kept: 0, removed: 0, bytes: 0, blobs: 1 });
  clock.pass(1);
  const expected = { ended: 2, kept: 0, removed: 1, bytes: 6 };
  assert.deepEqual(await collect(runtime, { dry_run: true }), { ...expected, blobs: 0 });
  assert.equal(await statusOf(runtime, sha256), 200, "a dry run changes nothing");
  assert.deepEqual(await collect(runtime), { ...expected, blobs: 0 });
  assert.equal(await statusOf(runtime, sha256), 404);
  assert.deepEqual(await usageOf(runtime), [0, 0]);
  const theirs = await runtime.token(other);
  assert.deepEqual(await usageOf(runtime, theirs), [7, 1]);
  assert.equal(
    await statusOf(runtime, hashOf("of both"), theirs),
    200,
    "the other organisation keeps its own",
  );
  assert.equal(filesOf(runtime).length, 2, "a reader that began before may finish");
  clock.pass(600_000);
  assert.equal((await collect(runtime)).blobs, 1);
  assert.equal(filesOf(runtime).length, 1);
});

test("what a job names stays with buyer and provider for ninety days after it, and as long as it is open", async (t) => {
  const clock = startClock();
  const market = await startMarket(t, { nowMs: clock.nowMs, dispatch: false });
  const { runtime } = market;
  assert.equal((await market.dispatch()).status, 201);
  clock.pass(400 * DAY_MS);
  const open = await collect(runtime);
  assert.deepEqual([open.ended, open.kept], [0, 2], "both inputs of an open job");
  clock.pass(DAY_MS);
  assert.equal((await collect(runtime)).kept, 2, "looked at again a day later");
  assert.equal(await statusOf(runtime, market.patchSha256), 200);
});

test("what a run left for another machine stays for ninety days after it said so, with nothing ordered", async (t) => {
  const clock = startClock();
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const created = await runtime.post("/internal/v1/runs", { issue: { title: "t", body: "b" } });
  const runId = created.json.run.run_id;
  const other = { sub: "usr_b", org: "org_b" };
  const [journal, patch, unnamed] = [
    await stored(runtime, "journal"),
    await stored(runtime, "patch"),
    await stored(runtime, "unnamed"),
  ];
  await stored(runtime, "patch", await runtime.token(other));
  const keep = async () => {
    const payload = { sha256: journal, bytes: 7, epoch: 1, inputs: [patch, hashOf("never stored")] };
    const told = await runtime.post(
      `/internal/v1/runs/${runId}/events`,
      { event_type: "journal.kept", payload },
      { token: await runtime.token() },
    );
    assert.equal(told.status, 200, told.text);
  };
  await keep();
  clock.pass(8 * DAY_MS);
  const early = await collect(runtime);
  assert.deepEqual([early.ended, early.removed], [2, 1], "the unnamed one, and the other organisation's");
  assert.equal(await statusOf(runtime, unnamed), 404);
  await keep();
  clock.pass(90 * DAY_MS - 1);
  assert.equal((await collect(runtime)).ended, 0);
  for (const sha256 of [journal, patch]) assert.equal(await statusOf(runtime, sha256), 200);
  clock.pass(1);
  assert.equal((await collect(runtime)).removed, 2);
});

test("after the evidence's time everything goes, and not a day before", async (t) => {
  const clock = startClock();
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const { runtime, runId } = market;
  const { job } = await workAndVerify(market, FIXED);
  assert.equal((await settle(market, job)).status, 200);
  const finished = await runtime.post(`/internal/v1/runs/${runId}/events`, {
    event_type: "run.finished",
    payload: { status: "succeeded" },
  });
  assert.equal(finished.status, 200, finished.text);
  clock.pass(90 * DAY_MS - 1);
  const before = await collect(runtime);
  assert.equal(before.ended, 0);
  assert.ok(before.kept >= 3);
  clock.pass(DAY_MS);
  const after = await collect(runtime);
  assert.equal(after.kept, 0);
  assert.equal(after.ended, before.kept);
  clock.pass(600_000);
  await collect(runtime);
  assert.deepEqual(filesOf(runtime), []);
});

test("what an organisation shares stays with it until the share ends", async (t) => {
  const clock = startClock();
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const sha256 = await stored(runtime, "shared");
  clock.pass(6 * DAY_MS);
  const body = { org: "org_b", expires_in_ms: 3 * DAY_MS };
  const shared = await runtime.post(`/internal/v1/artifacts/${sha256}/grants`, body, {
    token: await runtime.token(),
  });
  assert.equal(shared.status, 201, shared.text);
  clock.pass(2 * DAY_MS);
  assert.equal((await collect(runtime)).kept, 1);
  assert.deepEqual(await usageOf(runtime), [6, 1], "its room stays taken");
  clock.pass(2 * DAY_MS);
  const ended = await collect(runtime);
  assert.deepEqual([ended.ended, ended.removed], [2, 1]);
});

test("uploads of bytes that are being collected never lose them", async (t) => {
  const clock = startClock();
  const market = await startMarket(t, { nowMs: clock.nowMs, dispatch: false });
  const { runtime } = market;
  let collected = 0;
  for (let round = 0; round < 25; round += 1) {
    clock.pass(8 * DAY_MS);
    const token = await runtime.token();
    const uploads = Array.from({ length: 3 }, () => stored(runtime, "wanted", token));
    const [report] = await Promise.all([collect(runtime), ...uploads, collect(runtime)]);
    collected += report.removed;
    const sha256 = hashOf("wanted");
    const read = await runtime.get(`/internal/v1/artifacts/${sha256}`, { token });
    assert.deepEqual([read.status, read.text], [200, "wanted"], `round ${round}`);
    clock.pass(600_000);
    await collect(runtime);
    assert.equal(await statusOf(runtime, sha256), 200, `round ${round}, later`);
  }
  assert.ok(collected > 0, "the collector did meet them");
});

test("a crash between row and file, in either order, loses nothing and leaves nothing", async (t) => {
  const clock = startClock();
  const runtime = await startHarness(t, { nowMs: clock.nowMs });
  const sha256 = await stored(runtime, "kept");
  const [kept = ""] = filesOf(runtime);
  const db = connect({ url: runtime.databaseUrl, applicationName: "test" });
  t.after(() => db.close());
  const loose = (blob: string, condemned: boolean) =>
    db.query(
      statement(
        "test.loose",
        "INSERT INTO runtime.loose_blobs (blob, delete_after_ms, condemned) VALUES ($1, $2, $3)",
      ),
      [blob, clock.nowMs(), condemned],
    );
  // Died after the note and before the bytes; after the bytes and before the row; in the middle of a deletion.
  await loose(`${"1".repeat(64)}.aa`, false);
  const orphan = kept.replace(/[0-9a-f]{16}$/, "0000000000000000");
  const { copyFile } = await import("node:fs/promises");
  await copyFile(kept, orphan);
  await loose(orphan.split("/").at(-1) ?? "", true);
  assert.equal((await collect(runtime)).blobs, 2);
  assert.equal(existsSync(orphan), false);
  assert.equal(await statusOf(runtime, sha256), 200);
  assert.equal((await collect(runtime)).blobs, 0);
});

function startClock() {
  let nowMs = START_MS;
  return {
    nowMs: () => nowMs,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}
