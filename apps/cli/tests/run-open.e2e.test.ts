// A provider that works longer than an ending waits for it: the run ends with
// money set aside, says so, and is closed later, with its bundle sealed again.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Jobs, createClient } from "@openagents/contracts";
import { freshHome, type Home } from "./openagents.ts";
import { startProvidersApart } from "./providers-apart.ts";
import { ISSUE, NO_FIX, smallProject } from "./small-project.ts";

test("money that a canceled run leaves set aside is named, and another cancel settles it", async (t) => {
  await using parts = new AsyncDisposableStack();
  const home = freshHome(t);
  assert.equal((await home.run(["up", "--detach", "--port-base", "0"])).code, 0);
  parts.use(await startProvidersApart(home));
  const project = smallProject(t);
  const agent = `script:${project.script(NO_FIX)}`;
  // Two legs, together longer than the ending waits.
  const check = "sleep 11; node --test";
  const ordered = ["--repo", project.repo, "--issue", ISSUE, "--agent", agent, "--check", check];
  const run = home.start(["run", ...ordered, "--json"]);
  const [, runId = ""] = await run.waitForError(/run (run_[0-9a-f]{32})/);
  await run.waitForError(/… job/);
  const jobId = await jobOf(home, runId);
  await untilJob(home, jobId, "leased");
  run.child.kill("SIGINT");
  assert.equal((await run.ended).code, 130);

  const canceled = await home.run(["runs", "cancel", runId]);
  assert.equal(canceled.code, 1, canceled.out + canceled.err);
  assert.match(canceled.out, /✗ canceled/);
  assert.match(canceled.out, /set aside +\S+ sats? until the provider has ended its work/);
  assert.match(canceled.out, new RegExp(`settle it with openagents runs cancel ${runId}`));
  const bundleDir = join(home.folder, "sessions", runId);
  const summary = () => readFileSync(join(bundleDir, "PR_SUMMARY.md"), "utf8");
  assert.match(summary(), /set aside still/);
  const early = await home.run(["verify", bundleDir]);
  assert.equal(early.code, 0, early.out);

  await untilJob(home, jobId, "reported");
  const closed = await home.run(["runs", "cancel", runId, "--json"]);
  assert.equal(closed.code, 0, closed.err);
  const result = JSON.parse(closed.out);
  assert.deepEqual(
    [result.state, result.reserved_msats, result.settlement_status, result.verdict],
    ["canceled", 0, "withheld", "failed"],
  );
  assert.doesNotMatch(summary(), /set aside still/);
  const late = await home.run(["verify", bundleDir]);
  assert.equal(late.code, 0, late.out);
  const events = (await eventsOf(home, runId)).map(({ event_type }) => event_type);
  for (const type of ["run.finished", "payment.withheld"])
    assert.equal(events.filter((one) => one === type).length, 1, type);
  const audit = await home.run(["ledger", "audit", "--json"]);
  assert.equal(JSON.parse(audit.out).ok, true, audit.out);
});

type Event = { readonly event_type: string; readonly payload: Readonly<Record<string, string>> };

async function eventsOf(home: Home, runId: string): Promise<readonly Event[]> {
  return JSON.parse((await home.run(["runs", "show", runId, "--json"])).out).events;
}

/** The run's first job, once it is ordered. */
async function jobOf(home: Home, runId: string): Promise<string> {
  const ordered = (await eventsOf(home, runId)).find(({ event_type }) => event_type === "job.dispatched");
  const jobId = ordered?.payload["job_id"];
  assert.ok(jobId !== undefined, "a job is waited for after it was ordered");
  return jobId;
}

const WAIT_MS_MAX = 60_000;

async function untilJob(home: Home, jobId: string, status: string): Promise<void> {
  const { runtime_url: baseUrl } = JSON.parse((await home.run(["status", "--json"])).out);
  const jobs = createClient(Jobs, { baseUrl, token: (await home.run(["token"])).out.trim() });
  const deadline = Date.now() + WAIT_MS_MAX;
  while ((await jobs.getJob({ jobId })).job.status !== status) {
    assert.ok(Date.now() < deadline, `${jobId} does not come to be ${status}`);
    await delay(50);
  }
}
