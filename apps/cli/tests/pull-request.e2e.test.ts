// `openagents run --pr` on the real stack, before a stand-in of a forge that serves
// git over its own HTTP server: one pull request and one comment, whatever happens.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { startForgeStandIn, type ForgeStandIn } from "@openagents/testing";
import { freshHome, type Ended, type Home } from "./openagents.ts";
import { startProvidersApart } from "./providers-apart.ts";
import { FIX, NO_FIX, smallProject, type Project } from "./small-project.ts";

function revision(gitDir: string, name: string): string {
  return execFileSync("git", ["-c", "safe.directory=*", "-C", gitDir, "rev-parse", name], {
    encoding: "utf8",
  }).trim();
}

type Scene = {
  readonly home: Home;
  readonly project: Project;
  readonly forge: ForgeStandIn;
  readonly issueUrl: string;
  run(...args: readonly string[]): Promise<Ended>;
};

async function scene(t: TestContext, kind: "github" | "gitea"): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), "oa-forge-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const forge = await startForgeStandIn({ folder, kind });
  t.after(() => forge.close());
  const project = smallProject(t);
  const remote = `${forge.url}/${forge.owner}/${forge.name}.git`;
  project.git("remote", "add", "origin", remote);
  project.git("push", "--quiet", forge.gitDir, "main");
  const issue = forge.addIssue({ title: "add() subtracts", body: "add(1, 2) must be 3. @owner fixes #1" });
  const home = freshHome(t);
  return {
    home,
    project,
    forge,
    issueUrl: `${forge.url}/${forge.owner}/${forge.name}/issues/${issue}`,
    run: (...args) => start(home, forge, ["run", "--port-base", "0", "--json", ...args]),
  };
}

function start(home: Home, forge: ForgeStandIn, args: readonly string[]): Promise<Ended> {
  const started = home.start(args, { env: { OPENAGENTS_FORGE_TOKEN: forge.token } });
  started.child.stdin?.end();
  return started.ended;
}

function orderOf({ project, issueUrl }: Scene, repo: string = project.repo): string[] {
  return ["--repo", repo, "--issue", issueUrl, "--agent", `script:${project.script(FIX)}`, "--pr"];
}

test("an issue on Gitea becomes one pull request with the run's metadata, and one comment that ends with its address", async (t) => {
  const all = await scene(t, "gitea");
  const { forge, project } = all;
  const run = await all.run(...orderOf(all));
  assert.equal(run.code, 0, run.err);
  const result = JSON.parse(run.out);
  assert.equal(result.ok, true);
  const [pullRequest] = forge.pullRequests;
  assert.equal(forge.pullRequests.length, 1);
  assert.ok(pullRequest);
  assert.equal(
    result.pull_request_url,
    `${forge.url}/${forge.owner}/${forge.name}/pulls/${pullRequest.number}`,
  );
  assert.deepEqual(
    [pullRequest.title, pullRequest.head, pullRequest.base],
    ["add() subtracts", result.branch, "main"],
  );
  assert.match(pullRequest.body, /^Closes #1\n\n# add\(\) subtracts\n/);
  assert.match(pullRequest.body, new RegExp(`<!-- session_id: ${result.run_id} -->`));
  assert.match(
    pullRequest.body,
    /<!-- trajectory_hash: sha256:[0-9a-f]{64} -->\n<!-- verification_passed: true -->\n$/,
  );
  assert.doesNotMatch(pullRequest.body.slice("Closes #1".length), /@owner|#1/);
  const pushed = project.git("ls-remote", forge.gitDir, `refs/heads/${result.branch}`).split("\t")[0];
  assert.equal(pushed, project.git("rev-parse", result.branch).trim());
  assert.equal(forge.comments.length, 1);
  assert.match(forge.comments[0]?.body ?? "", /opened http/);
});

test("with lost answers, a killed process and a resume, there is one pull request, one branch and one comment", async (t) => {
  const all = await scene(t, "github");
  const { forge, home } = all;
  let lost = 0;
  forge.fault = () => {
    lost += 1;
    return "lost";
  };
  assert.equal((await start(home, forge, ["up", "--detach", "--port-base", "0"])).code, 0);
  const started = home.start(["run", ...orderOf(all), "--json"], {
    env: { OPENAGENTS_FORGE_TOKEN: forge.token },
  });
  const runId = (await started.waitForError(/run (run_[0-9a-f]{32})/))[1] ?? "";
  const opened = new Promise<void>((resolve) => {
    forge.fault = (line) => {
      lost += 1;
      if (line.endsWith("/pulls")) {
        // Killed when the forge has the request and nobody has its answer.
        started.child.kill("SIGKILL");
        resolve();
      }
      return "lost";
    };
  });
  await opened;
  await started.ended;
  forge.fault = undefined;
  const resumed = await start(home, forge, ["run", "--resume", runId, "--json"]);
  assert.equal(resumed.code, 0, resumed.err);
  const result = JSON.parse(resumed.out);
  assert.equal(result.state, "succeeded");
  assert.ok(lost > 0);
  assert.equal(forge.pullRequests.length, 1);
  assert.equal(forge.comments.length, 1);
  assert.equal(result.pull_request_url.endsWith(`/${forge.pullRequests[0]?.number}`), true);
  const posts = forge.requests.filter((line) => /^POST .*\/(pulls|comments)$/.test(line));
  assert.equal(posts.length, 2);
});

test("from an address, without a checkout, the branch is pushed on top of the forge's own commit", async (t) => {
  const all = await scene(t, "gitea");
  const { forge, project } = all;
  const clone = `file://${forge.gitDir}`;
  // The stand-in has no https, so the folder is cloned, and the issue tells the forge.
  const run = await all.run(...orderOf(all, clone));
  assert.equal(run.code, 0, run.err);
  const parent = project.git("-C", forge.gitDir, "rev-parse", `${forge.pullRequests[0]?.head}^`).trim();
  assert.equal(parent, project.git("rev-parse", "main").trim());
});

test("a run that began on another computer, whose repository is not here, gets its pull request too", async (t) => {
  const all = await scene(t, "gitea");
  const { forge, home, project } = all;
  assert.equal((await start(home, forge, ["up", "--detach", "--port-base", "0"])).code, 0);
  await using _providers = await startProvidersApart(home);
  const main = project.git("rev-parse", "main").trim();
  const env = { OPENAGENTS_FORGE_TOKEN: forge.token };
  const begun = home.start(["run", ...orderOf(all), "--json"], { env });
  const [, runId = ""] = await begun.waitForError(/run (run_[0-9a-f]{32})/);
  await begun.waitForError(/… job/);
  begun.child.kill("SIGINT");
  assert.equal((await begun.ended).code, 130);
  const { runtime_url: runtimeUrl } = JSON.parse((await home.run(["status", "--json"])).out);
  const token = (await home.run(["token"])).out.trim();
  rmSync(project.repo, { recursive: true });
  rmSync(join(home.folder, "runs"), { recursive: true });

  const resume = ["run", "--resume", runId, "--runtime", runtimeUrl, "--json"];
  const other = freshHome(t).start(resume, { env: { ...env, OPENAGENTS_TOKEN: token } });
  other.child.stdin?.end();
  const resumed = await other.ended;
  assert.equal(resumed.code, 0, resumed.err);
  const result = JSON.parse(resumed.out);
  assert.deepEqual([result.state, result.branch], ["succeeded", null]);
  assert.equal(forge.pullRequests.length, 1);
  assert.match(result.pull_request_url, /\/pulls\/\d+$/);
  const head = `${forge.pullRequests[0]?.head}`;
  assert.equal(revision(forge.gitDir, `${head}^`), main);
  assert.equal(forge.comments.length, 1);
});

test("what cannot become a pull request is said before anything is started", async (t) => {
  const all = await scene(t, "github");
  const { forge, home, project } = all;
  const order = orderOf(all);
  const tokenless = home.start(["run", ...order, "--port-base", "0"]);
  const { code, err } = await tokenless.ended;
  assert.equal(code, 1);
  assert.match(err, /OPENAGENTS_FORGE_TOKEN/);
  project.git("commit", "--quiet", "--allow-empty", "--message", "not pushed");
  const ahead = await all.run(...order);
  assert.notEqual(ahead.code, 0);
  assert.match(ahead.err, /head_not_pushed/);
  const missing = await all.run(
    "--repo",
    project.repo,
    "--issue",
    all.issueUrl.replace(/\d+$/, "99"),
    "--agent",
    "codex",
  );
  assert.match(missing.err, /forge_not_found/);
  assert.deepEqual(forge.pullRequests, []);
  assert.deepEqual(forge.comments, []);
  assert.equal(JSON.parse((await home.run(["status", "--json"])).out).running, false);
});

test("a run that fails opens no pull request, and says so on the issue", async (t) => {
  const all = await scene(t, "gitea");
  const { forge, project, issueUrl } = all;
  const script = `script:${project.script(NO_FIX)}`;
  const run = await all.run("--repo", project.repo, "--issue", issueUrl, "--agent", script, "--pr");
  assert.equal(run.code, 1);
  assert.deepEqual(forge.pullRequests, []);
  assert.equal(forge.comments.length, 1);
  assert.match(forge.comments[0]?.body ?? "", /failed.*There is no pull request/s);
});
