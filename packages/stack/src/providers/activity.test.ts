import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { ProviderEvent } from "@openagents/autopilot";
import { dataDirAt } from "../data-dir.ts";
import { nextActivity, noActivity, readActivity, writeActivity, type Activity } from "./activity.ts";
import { providerSeatAt } from "./provider-seat.ts";

const NOW = Date.parse("2026-11-27T18:00:00.000Z");

test("every way that a job ends is counted once, and it is in work no more", () => {
  const working: Activity = { ...noActivity, workerId: "wrk_1", working: ["job_1", "job_2"] };
  const ends: [ProviderEvent, Partial<Activity>][] = [
    [{ type: "job_reported", jobId: "job_1", outcome: "result" }, { jobsDone: 1 }],
    [{ type: "job_reported", jobId: "job_1", outcome: "failure", code: "x" }, { jobsFailed: 1 }],
    [{ type: "job_lost", jobId: "job_1", detail: "late" }, { jobsLost: 1 }],
  ];
  for (const [event, counts] of ends) {
    const { lastJob, ...rest } = nextActivity(working, event, NOW);
    assert.deepEqual(rest, { ...working, working: ["job_2"], ...counts });
    assert.deepEqual([lastJob?.jobId, lastJob?.endedAt], ["job_1", "2026-11-27T18:00:00.000Z"]);
  }
  assert.equal(nextActivity(working, { type: "trouble", detail: "", retryMs: 1 }, NOW), working);
  assert.equal(nextActivity(noActivity, { type: "registered", workerId: "wrk_2" }, NOW).workerId, "wrk_2");
});

test("what was written is read again, and a damaged file counts for nothing", (t) => {
  const seat = seatOf(t);
  assert.deepEqual(readActivity(seat), noActivity);
  const activity: Activity = {
    workerId: "wrk_1",
    jobsDone: 3,
    jobsFailed: 2,
    jobsLost: 1,
    working: ["job_4"],
    lastJob: { jobId: "job_3", endedAt: "2026-11-27T18:00:00.000Z", outcome: "failure", detail: "x" },
  };
  writeActivity(seat, activity);
  assert.deepEqual(readActivity(seat), activity);
  for (const text of [
    "",
    "{",
    "null",
    '{"jobs_done":"many"}',
    '{"jobs_done":1,"jobs_failed":1,"jobs_lost":1}',
  ]) {
    writeFileSync(seat.activity, text);
    assert.deepEqual(readActivity(seat), noActivity, text);
  }
});

function seatOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "oa-seat-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const seat = providerSeatAt(dataDirAt(folder), "dev_a");
  mkdirSync(seat.root, { recursive: true });
  return seat;
}
