// What a buyer, a provider and an operator look for around a job, on the real stack:
// disputes and allegations, workers, statements, seeds, and a word from elsewhere.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { order } from "./buyer.ts";
import { freshHome, type Home } from "./openagents.ts";
import { FIX_AND_CONFIGURE, ISSUE, smallProject } from "./small-project.ts";

test("a job can be disputed and reported, its payments be read, and its worker be disabled", async (t) => {
  const home = freshHome(t);
  assert.equal((await home.run(["up", "--detach", "--port-base", "0"])).code, 0);
  for (const as of [["--as", "eve"], []]) {
    const started = await home.run(["provider", "start", "--detach", ...as]);
    assert.equal(started.code, 0, started.err);
  }
  const bought = await order(home, "test -f fixed");
  await bought.settle();

  const claim = ["--claim", "the check never ran"];
  const reported = await json(home, "incidents", "report", bought.jobId, ...claim);
  assert.deepEqual([reported.incident.kind, reported.incident.reporter], ["allegation", "buyer"]);
  const again = await home.run(["incidents", "report", bought.jobId, ...claim]);
  assert.deepEqual([again.code, /already_reported/.test(again.err)], [1, true]);
  const disputed = await json(home, "incidents", "dispute", bought.jobId, ...claim);
  assert.equal(disputed.incident.kind, "dispute");
  const id: string = reported.incident.incident_id;
  const listed = await home.run(["incidents", "list"]);
  assert.match(listed.out, new RegExp(`${id} +allegation +open +${bought.jobId}`));
  const resolved = await home.run(["incidents", "resolve", id, "--dismiss", "--note", "it ran"]);
  assert.equal(resolved.code, 0, resolved.err);
  assert.match(
    (await home.run(["incidents", "show", id])).out,
    /allegation by the buyer\n.*allegation dismissed/,
  );

  const [line] = (await home.run(["ledger", "statement", "--json"])).out.trim().split("\n");
  const paid = JSON.parse(line ?? "");
  assert.equal(paid.job_id, bought.jobId);
  const parts = ["provider_msats", "second_opinion_msats", "operator_fee_msats", "returned_msats"];
  assert.equal(
    parts.reduce((sum, name) => sum + paid[name], 0),
    paid.reserved_msats,
  );
  assert.match(
    (await home.run(["market", "seeds"])).out,
    /seed_[0-9a-f]{32} .*not published yet|no seed yet/,
  );

  const receipts = await home.run(["receipts", "list", "--subject", paid.run_id]);
  assert.match(
    receipts.out,
    new RegExp(`${paid.receipt_id} +2\\d{3}-.* openagents\\.treasury\\.payment_receipt`),
  );

  const [own] = (await json(home, "workers", "list")).workers;
  assert.equal(own.display_name, "This computer");
  const disabled = await home.run(["workers", "disable", own.worker_id, "--reason", "sold"]);
  assert.match(disabled.out, /is disabled; it held no job\n/);

  const file = join(home.folder, "there");
  writeFileSync(file, "kept");
  const { artifacts } = JSON.parse((await home.run(["artifacts", "ls", "--json"])).out);
  const taken = await home.run(["artifacts", "get", artifacts[0].sha256, "--out", file]);
  assert.equal(taken.code, 2);
  assert.match(taken.err, /^✗ .*\/there exists already; give --out a name that is free\n$/);
  assert.equal(readFileSync(file, "utf8"), "kept");
});

test("a run that waits for a review on another's runtime is accepted from elsewhere", async (t) => {
  const home = freshHome(t);
  const project = smallProject(t);
  const up = await home.run(["up", "--detach", "--port-base", "0", "--json"]);
  const { runtime_url: runtimeUrl } = JSON.parse(up.out);
  const script = project.script(FIX_AND_CONFIGURE);
  const args = ["--repo", project.repo, "--issue", ISSUE, "--agent", `script:${script}`, "--json"];
  const waits = await home.run(["run", ...args]);
  assert.equal(waits.code, 3, waits.err);
  const { run_id: runId } = JSON.parse(waits.out);
  const other = freshHome(t);
  const tokenFile = join(other.folder, "token");
  writeFileSync(tokenFile, (await home.run(["token"])).out);
  const there = ["--runtime", runtimeUrl, "--token-file", tokenFile];
  const accepted = await other.run(["runs", "accept", runId, ...there, "--json"]);
  assert.equal(accepted.code, 0, accepted.err);
  const result = JSON.parse(accepted.out);
  assert.deepEqual([result.state, result.review, result.reserved_msats], ["succeeded", "accepted", 0]);
  assert.ok(result.bundle_dir.startsWith(other.folder), "its bundle is where the word was said");
  assert.equal(existsSync(join(other.folder, "stack.json")), false, "no stack is started for it");
  const late = await other.run(["runs", "cancel", runId, ...there]);
  assert.match(late.out, /– it already succeeded; nothing was canceled/);
});

async function json(home: Home, ...args: string[]) {
  const { code, out, err } = await home.run([...args, "--json"]);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}
