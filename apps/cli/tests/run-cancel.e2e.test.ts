// Canceling a run whose check is under way ends its processes in the real sandbox,
// and has its money back without waiting for the provider.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { freshHome, until } from "./openagents.ts";
import { startProvidersApart } from "./providers-apart.ts";
import { ISSUE, NO_FIX, smallProject } from "./small-project.ts";

/** Nothing else on this computer sleeps for so long. */
const SLEEP = `sleep 2${process.pid}.5`;

test("a canceled run's processes are gone from the sandbox, nobody is paid, and it ends canceled", async (t) => {
  await using parts = new AsyncDisposableStack();
  const home = freshHome(t);
  assert.equal((await home.run(["up", "--detach", "--port-base", "0"])).code, 0);
  parts.use(await startProvidersApart(home));
  const project = smallProject(t);
  const agent = `script:${project.script(NO_FIX)}`;
  const ordered = ["--repo", project.repo, "--issue", ISSUE, "--agent", agent, "--check", SLEEP];
  const run = home.start(["run", ...ordered, "--json"]);
  const [, runId = ""] = await run.waitForError(/run (run_[0-9a-f]{32})/);
  await until(() => sleepers() > 0);

  // While its executor lives: that one ends it, and the bundle is its own.
  const canceled = await home.run(["runs", "cancel", runId, "--json"]);
  assert.equal(canceled.code, 0, canceled.err);
  const result = JSON.parse(canceled.out);
  assert.deepEqual(
    [result.state, result.reserved_msats, result.spent_msats],
    ["canceled", 0, 0],
    canceled.out,
  );
  await until(() => sleepers() === 0);
  const ended = await run.ended;
  assert.equal(JSON.parse(ended.out).state, "canceled", ended.out + ended.err);

  const { run: shown, events } = JSON.parse((await home.run(["runs", "show", runId, "--json"])).out);
  assert.equal(shown.status, "canceled");
  const types = events.map(({ event_type }: { event_type: string }) => event_type);
  const told = types.filter((type: string) =>
    ["run.cancel_requested", "job.canceled", "budget.voided", "run.finished"].includes(type),
  );
  assert.deepEqual(told, ["run.cancel_requested", "job.canceled", "budget.voided", "run.finished"]);
  assert.ok(!types.some((type: string) => type.startsWith("payment.")));

  const shownText = (await home.run(["runs", "show", runId])).out;
  assert.match(shownText, /status +canceled\n/);
  assert.match(shownText, /verdict +none yet\n/);
  assert.match(shownText, /spent +0 sat of 5\D?000 sat\n/);
  assert.match((await home.run(["runs", "list"])).out, new RegExp(`${runId} +canceled +– +0 sat of`));
  const rebuilt = await home.run(["runs", "rebuild"]);
  assert.equal(rebuilt.code, 0, rebuilt.out);
  assert.match(rebuilt.out, new RegExp(`^${runId}  sha256:[0-9a-f]{64}  as stored$`, "m"));
  const forked = await home.run(["runs", "fork", runId, "--at", "2", "--json"]);
  const { run: fork } = JSON.parse(forked.out);
  assert.deepEqual([fork.forked_from, fork.fork_seq, fork.latest_seq, fork.status], [runId, 2, 3, "running"]);
  const next = (await home.run(["runs", "show", fork.run_id])).out;
  assert.match(next, new RegExp(`forked from +${runId} after event 2\\n`));
  assert.doesNotMatch(next, /--resume/, "a fork has no workspace to go on in");
  const unkept = await home.run(["runs", "cancel", fork.run_id, "--json"]);
  assert.equal(unkept.code, 0, unkept.err);
  const end = JSON.parse(unkept.out);
  assert.deepEqual([end.state, end.spent_msats, end.problem.code], ["canceled", 0, "run_not_here"]);
  assert.match((await home.run(["runs", "show", fork.run_id])).out, /status +canceled\n/);

  const verified = await home.run(["verify", result.bundle_dir]);
  assert.equal(verified.code, 0, verified.out);
  const audit = await home.run(["ledger", "audit", "--json"]);
  assert.equal(JSON.parse(audit.out).ok, true, audit.out);
});

/** Processes whose command line is the check's, inside of the sandbox or around it. */
function sleepers(): number {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() === SLEEP;
      } catch {
        return false;
      }
    }).length;
}
