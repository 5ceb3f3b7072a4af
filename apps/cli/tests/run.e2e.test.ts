// `openagents run` on the real stack: what becomes of an issue, of the money, and
// of the user's repository.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { freshHome, type Ended, type Home } from "./openagents.ts";
import { FIX, FIX_AND_CONFIGURE, ISSUE, NO_FIX, smallProject, type Project } from "./small-project.ts";

async function homeWithStack(t: TestContext): Promise<Home> {
  const home = freshHome(t);
  const up = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(up.code, 0, up.err);
  return home;
}

function arguments_(project: Project, script: string, ...more: readonly string[]): string[] {
  return ["run", "--repo", project.repo, "--issue", ISSUE, "--agent", `script:${script}`, "--json", ...more];
}

function resultOf({ out, err }: Ended) {
  assert.equal(out.trimEnd().split("\n").length, 1, err);
  return JSON.parse(out);
}

async function eventsOf(home: Home, runId: string): Promise<readonly string[]> {
  const shown = await home.run(["runs", "show", runId, "--json"]);
  return JSON.parse(shown.out).events.map((event: { event_type: string }) => event.event_type);
}

async function assertBooksHold(home: Home): Promise<void> {
  const audit = await home.run(["ledger", "audit", "--json"]);
  assert.equal(JSON.parse(audit.out).ok, true, audit.out);
}

test("an issue becomes a verified patch, a bundle and a branch, and the user's checkout stays as it was", async (t) => {
  const home = freshHome(t);
  const project = smallProject(t);
  const state = () => [
    project.git("rev-parse", "HEAD"),
    project.git("status", "--porcelain"),
    readFileSync(join(project.repo, ".git/index"), "hex"),
  ];
  const before = state();
  const run = await home.run(arguments_(project, project.script(FIX), "--port-base", "0"));
  assert.equal(run.code, 0, run.err);
  const result = resultOf(run);
  assert.equal(result.ok, true);
  assert.deepEqual(
    [result.state, result.verdict, result.assurance, result.proof, result.attempts, result.settlement_status],
    ["succeeded", "proven", "self", "by_tests", 1, "released"],
  );
  assert.ok(result.spent_msats > 0 && result.spent_msats < result.budget_msats);
  assert.equal(result.reserved_msats, 0);
  assert.match(run.err, /demo credit/);
  assert.match(run.err, /the test script of package\.json/);

  assert.deepEqual(state(), before);
  assert.equal(project.git("rev-list", "--count", `main..${result.branch}`).trim(), "1");
  assert.equal(project.git("show", `${result.branch}:src/add.js`), FIX["src/add.js"]);
  assert.match(
    project.git("log", "-1", "--format=%an %B", result.branch),
    /^OpenAgents add\(\) subtracts\n\nRun: run_/,
  );

  const verified = await home.run(["verify", result.bundle_dir]);
  assert.equal(verified.code, 0, verified.out);
  const left = readdirSync(join(home.folder, "runs", result.run_id)).toSorted();
  assert.deepEqual(left, ["journal.json", "patch-1.diff"]);
});

test("a plain folder gets its patch as a file, and is not written to", async (t) => {
  const home = freshHome(t);
  const project = smallProject(t);
  const script = project.script(FIX);
  rmSync(join(project.repo, ".git"), { recursive: true });
  const before = readdirSync(project.repo, { recursive: true });
  const run = await home.run(arguments_(project, script, "--port-base", "0"));
  assert.equal(run.code, 0, run.err);
  const result = resultOf(run);
  assert.deepEqual([result.verdict, result.branch], ["proven", null]);
  assert.deepEqual(readdirSync(project.repo, { recursive: true }), before);
  assert.equal(result.patch_file, join(result.bundle_dir, "patch.diff"));
  assert.equal((await home.run(["verify", result.bundle_dir])).code, 0);
});

test("commands that begin at the same moment share one stack, which lives until the last of them is done", async (t) => {
  const home = freshHome(t);
  const start = (...checks: readonly string[]) => {
    const project = smallProject(t);
    const named = checks.flatMap((check) => ["--check", check]);
    return home.run(arguments_(project, project.script(FIX), "--port-base", "0", ...named));
  };
  // One of them is done while another one's job still runs, whichever came first.
  const runs = await Promise.all([start(), start("sleep 2", "npm test"), start()]);
  for (const run of runs) {
    assert.equal(run.code, 0, run.err);
    assert.equal(resultOf(run).verdict, "proven");
  }
  assert.equal(runs.filter(({ err }) => err.includes("already running")).length, 2);
});

test("on one stack", async (t) => {
  const home = await homeWithStack(t);

  await t.test(
    "a patch that fails goes back to the agent, and only the one that holds is paid for",
    async (t2) => {
      const project = smallProject(t2);
      const run = await home.run(arguments_(project, project.script(NO_FIX, FIX), "--attempts", "3"));
      assert.equal(run.code, 0, run.err);
      const result = resultOf(run);
      assert.deepEqual([result.attempts, result.verdict], [2, "proven"]);
      assert.notEqual(result.branch, null, run.err + run.out);
      const events = await eventsOf(home, result.run_id);
      assert.equal(events.filter((type) => type === "payment.released").length, 1);
      assert.equal(events.filter((type) => type === "payment.withheld").length, 1);
      assert.equal(project.git("show", `${result.branch}:src/add.js`), FIX["src/add.js"]);
      assert.equal((await home.run(["verify", result.bundle_dir])).code, 0);
    },
  );

  await t.test("a recording is tried once, and nothing is paid for a patch that fails", async (t2) => {
    const project = smallProject(t2);
    const run = await home.run(arguments_(project, project.script(NO_FIX, FIX)));
    assert.equal(run.code, 1, run.err);
    const result = resultOf(run);
    assert.deepEqual(
      [result.state, result.problem.code, result.spent_msats],
      ["failed", "verdict_failed", 0],
    );
    assert.equal(result.branch, null);
    assert.match(project.git("branch", "--list"), /^\* main\n$/);
    assert.equal((await home.run(["verify", result.bundle_dir])).code, 0);
  });

  await t.test("nothing is reserved above the budget, and both numbers are named", async (t2) => {
    const project = smallProject(t2);
    const run = await home.run(arguments_(project, project.script(FIX), "--budget", "10sat"));
    assert.equal(run.code, 1, run.err);
    const { problem, spent_msats, reserved_msats, run_id } = resultOf(run);
    assert.equal(problem.code, "budget_exceeded");
    assert.match(problem.detail, /\d+ msats.*10000 msats/);
    assert.deepEqual([spent_msats, reserved_msats], [0, 0]);
    assert.equal((await eventsOf(home, run_id)).includes("budget.reserved"), false);
  });

  await t.test(
    "a patch that changes what decides waits for a person, who accepts or rejects it",
    async (t2) => {
      const project = smallProject(t2);
      const waits = async () => {
        const run = await home.run(arguments_(project, project.script(FIX_AND_CONFIGURE)));
        assert.equal(run.code, 3, run.err);
        const result = resultOf(run);
        assert.deepEqual(
          [result.state, result.verdict, result.bundle_dir],
          ["needs_review", "needs_review", null],
        );
        assert.deepEqual(result.review_paths, ["package.json"]);
        assert.ok(result.reserved_msats > 0, "its money stays set aside");
        return result.run_id;
      };
      const accepted = await home.run(["runs", "accept", await waits(), "--json"]);
      assert.equal(accepted.code, 0, accepted.err);
      const taken = resultOf(accepted);
      assert.deepEqual(
        [taken.state, taken.review, taken.settlement_status, taken.reserved_msats],
        ["succeeded", "accepted", "released", 0],
      );
      assert.equal(project.git("show", `${taken.branch}:src/add.js`), FIX["src/add.js"]);
      assert.equal((await home.run(["verify", taken.bundle_dir])).code, 0);

      const rejected = await home.run(["runs", "reject", await waits(), "--note", "not like this", "--json"]);
      assert.equal(rejected.code, 0, rejected.err);
      const refused = resultOf(rejected);
      assert.deepEqual(
        [refused.state, refused.problem.code, refused.branch],
        ["failed", "review_rejected", null],
      );
      assert.equal(refused.settlement_status, "withheld");
      assert.equal((await home.run(["verify", refused.bundle_dir])).code, 0);
      const again = await home.run(["runs", "accept", refused.run_id]);
      assert.equal(again.code, 1, "a run is reviewed once");
      assert.match(again.out, /– it was rejected already; nothing was accepted/);
    },
  );

  await t.test("Ctrl-C stops a run, which then goes on where it was", async (t2) => {
    const project = smallProject(t2);
    const started = home.start(arguments_(project, project.script(FIX)));
    await started.waitForError(/… job/);
    started.child.kill("SIGINT");
    const stopped = await started.ended;
    assert.equal(stopped.code, 130, stopped.err);
    const { run_id, state, reserved_msats } = resultOf(stopped);
    assert.equal(state, "stopped");
    assert.ok(reserved_msats > 0, "what stays set aside is named");
    const resumed = await home.run(["run", "--resume", run_id, "--json"]);
    assert.equal(resumed.code, 0, resumed.err);
    const result = resultOf(resumed);
    assert.deepEqual([result.run_id, result.verdict], [run_id, "proven"]);
    const events = await eventsOf(home, run_id);
    assert.equal(
      events.filter((type) => type === "agent.message").length,
      1,
      "the agent's turn is not repeated",
    );
    assert.equal(events.filter((type) => type === "payment.released").length, 1);
    // The provider that was stopped with it may have given the job back, which is then ordered anew.
    assert.doesNotMatch(resumed.err, /… (workspace|agent)/);
  });

  await t.test("a stopped run can be canceled, and its money is back", async (t2) => {
    const project = smallProject(t2);
    const started = home.start(arguments_(project, project.script(FIX)));
    await started.waitForError(/… reserve/);
    started.child.kill("SIGINT");
    const { run_id } = resultOf(await started.ended);
    const canceled = await home.run(["runs", "cancel", run_id, "--json"]);
    assert.equal(canceled.code, 0, canceled.err);
    const result = resultOf(canceled);
    assert.deepEqual([result.state, result.reserved_msats, result.branch], ["canceled", 0, null]);
    assert.equal((await home.run(["verify", result.bundle_dir])).code, 0);
    assert.equal((await home.run(["run", "--resume", run_id, "--json"])).code, 1, "it has ended");
  });

  await t.test("a run that is under way ends when it is asked to from elsewhere", async (t2) => {
    const project = smallProject(t2);
    const started = home.start(arguments_(project, project.script(FIX)));
    await started.waitForError(/✓ agent/);
    const [, runId = ""] = await started.waitForError(/run (run_[0-9a-f]{32})/);
    const canceled = await home.run(["runs", "cancel", runId, "--json"]);
    const ended = await started.ended;
    // It may have come to its end before it heard.
    const result = resultOf(ended);
    assert.equal(resultOf(canceled).state, result.state);
    assert.deepEqual([canceled.code, ended.code], result.state === "canceled" ? [0, 1] : [1, 0]);
    assert.equal(result.reserved_msats, 0);
    assert.equal((await home.run(["verify", result.bundle_dir])).code, 0);
  });

  await t.test("a patch with a secret of the environment goes nowhere", async (t2) => {
    const project = smallProject(t2);
    const secret = "correct-horse-battery-staple";
    const script = project.script({ ...FIX, "src/leak.js": `export default "${secret}";\n` });
    const run = await home.start(arguments_(project, script), { env: { MY_API_TOKEN: secret } }).ended;
    assert.equal(run.code, 1);
    const result = resultOf(run);
    assert.equal(result.problem.code, "patch_contains_secret");
    assert.equal((run.err + run.out).includes(secret), false);
    const shown = await home.run(["runs", "show", result.run_id, "--json"]);
    assert.equal(shown.out.includes(secret), false);
    assert.deepEqual(
      readdirSync(result.bundle_dir).filter((name) => name === "patch.diff"),
      [],
    );
  });

  await t.test("arguments that make no sense are refused before anything is opened", async (t2) => {
    const project = smallProject(t2);
    const base = ["run", "--repo", project.repo, "--agent", `script:${project.script(FIX)}`];
    for (const [args, message] of [
      [base, /issue is missing/],
      [[...base, "--issue", "https://example.com/issues/1"], /issue_url_unsupported/],
      [[...base, "--issue", "x", "--budget", "0"], /--budget/],
      [[...base, "--issue", "x", "--resume", `run_${"0".repeat(32)}`], /--resume alone/],
      [["run", "--issue", "x", "--repo", "http://example.com/x.git"], /repo_url_unsupported/],
    ] as const) {
      const { code, err } = await home.run(args);
      assert.equal(code, 2, err);
      assert.match(err, message);
    }
  });

  await assertBooksHold(home);
});

test("paid on execution, a run that fails is paid too, and one that waits for a person is paid before the word", async (t) => {
  const home = await homeWithStack(t);
  const project = smallProject(t);
  const order = (script: string) =>
    home.run(arguments_(project, script, "--pay-on", "execution", "--fallback", "reserve"));
  const failed = resultOf(await order(project.script(NO_FIX)));
  assert.deepEqual(
    [failed.state, failed.verdict, failed.settlement_status],
    ["failed", "failed", "released"],
  );
  // 120 sat where it is sold on execution, with the second run and the fees.
  assert.ok(failed.spent_msats > 120_000 && failed.spent_msats < 180_000, String(failed.spent_msats));
  const told = await home.run(["verify", failed.bundle_dir]);
  assert.equal(told.code, 0, told.out);

  const waits = resultOf(await order(project.script(FIX_AND_CONFIGURE)));
  assert.deepEqual([waits.state, waits.reserved_msats], ["needs_review", 0]);
  assert.ok(waits.spent_msats > 0);
  const accepted = await home.run(["runs", "accept", waits.run_id, "--json"]);
  assert.equal(accepted.code, 0, accepted.err);
  const taken = resultOf(accepted);
  assert.deepEqual([taken.state, taken.spent_msats], ["succeeded", waits.spent_msats]);
  const verified = await home.run(["verify", taken.bundle_dir]);
  assert.equal(verified.code, 0, verified.out);

  const unseen = resultOf(await order(project.script(FIX_AND_CONFIGURE)));
  const canceled = await home.run(["runs", "cancel", unseen.run_id]);
  assert.equal(canceled.code, 0, canceled.out + canceled.err);
  assert.match(canceled.out, /✓ canceled\n/);
  await assertBooksHold(home);
});
