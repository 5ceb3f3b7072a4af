// Publishing against git's own HTTP server and the REST dialects of both forges.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { promisify } from "node:util";
import { startForgeStandIn, type ForgeStandIn } from "@openagents/testing";
import { connectForge, publishPullRequest, publishStatus, type ExportLog } from "../src/forge/index.ts";
import { rememberExports } from "./exports-in-memory.ts";
import { pushBranch } from "../src/workspace/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);
const KINDS = ["github", "gitea"] as const;
const signal = new AbortController().signal;

async function forgeFor(t: TestContext, kind: (typeof KINDS)[number]) {
  const folder = await temporaryFolder(t);
  const standIn = await startForgeStandIn({ folder: join(folder, "forge"), kind });
  t.after(() => standIn.close());
  const { repo, base, commit } = await repositoryWithWork(folder);
  const push = (sha: string, branch: string, token = standIn.token) =>
    pushBranch({ repo, commit: sha, branch, cloneUrl: cloneUrlOf(standIn), token, signal });
  await push(base, "main");
  const forge = await connectForge(
    { origin: standIn.url, owner: standIn.owner, name: standIn.name },
    { token: standIn.token, signal },
  );
  const log: ExportLog = { exports: rememberExports(), runId: RUN_ID, pause: async () => {}, signal };
  const open = (body?: string) => publishPullRequest(log, forge, draft(body));
  return { standIn, forge, push, base, commit, log, open };
}

function cloneUrlOf({ url, owner, name }: ForgeStandIn): string {
  return `${url}/${owner}/${name}.git`;
}

async function repositoryWithWork(folder: string) {
  const repo = join(folder, "repo");
  const git = async (...args: string[]) => {
    const settings = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"];
    return (await run("git", [...settings, ...args])).stdout.trim();
  };
  await git("init", "--quiet", repo);
  const commits: string[] = [];
  for (const text of ["one", "two"]) {
    await writeFile(join(repo, "file"), text);
    await git("-C", repo, "add", "file");
    await git("-C", repo, "commit", "--quiet", "-m", text);
    commits.push(await git("-C", repo, "rev-parse", "HEAD"));
  }
  const [base = "", commit = ""] = commits;
  return { repo, base, commit };
}

const RUN_ID = `run_${"0".repeat(32)}`;
const BRANCH = "openagents/0123456789ab";
const draft = (body = "words") => ({ title: "Fix", body, head: BRANCH, base: "main" });

const bodies = (all: readonly { readonly body: string }[]) => all.map(({ body }) => body);

for (const kind of KINDS) {
  test(`${kind}: an issue is read, and what is not there says so`, async (t) => {
    const { standIn, forge, base } = await forgeFor(t, kind);
    assert.equal(forge.kind, kind);
    const number = standIn.addIssue({ title: "It breaks", body: "On Mondays." });
    assert.deepEqual(await forge.getIssue(number), {
      number,
      title: "It breaks",
      body: "On Mondays.",
      url: `${standIn.url}/${standIn.owner}/${standIn.name}/issues/${number}`,
    });
    await assert.rejects(forge.getIssue(99), { code: "forge_not_found" });
    assert.equal(await forge.hasCommit(base), true);
    assert.equal(await forge.hasCommit("0".repeat(40)), false);
    assert.equal(await forge.hasBranch("main"), true);
    assert.equal(await forge.hasBranch(BRANCH), false);
  });

  test(`${kind}: publishing again finds the pull request, brings its words up to date, and opens no other`, async (t) => {
    const { standIn, open, push, commit } = await forgeFor(t, kind);
    await push(commit, BRANCH);
    await push(commit, BRANCH);
    const first = await open();
    assert.deepEqual(await open("other words"), first);
    assert.deepEqual(bodies(standIn.pullRequests), ["other words"]);
  });

  test(`${kind}: what another computer opened is found, and taken for the run's`, async (t) => {
    const { standIn, forge, log, open, push, commit } = await forgeFor(t, kind);
    await push(commit, BRANCH);
    const first = await open();
    const elsewhere = { ...log, exports: rememberExports() };
    assert.deepEqual(await publishPullRequest(elsewhere, forge, draft()), first);
    assert.equal(standIn.pullRequests.length, 1);
  });

  test(`${kind}: a lost answer is looked for and not sent again`, async (t) => {
    const { standIn, forge, log, open, push, commit } = await forgeFor(t, kind);
    const issue = standIn.addIssue({ title: "It breaks", body: "" });
    await push(commit, BRANCH);
    standIn.fault = () => "lost";
    await open();
    await publishStatus(log, forge, issue, "working");
    standIn.fault = undefined;
    await publishStatus(log, forge, issue, "done");
    const posts = standIn.requests.filter((line) => line.startsWith("POST") && line.includes("/api/"));
    assert.equal(posts.length, 2);
    assert.equal(standIn.pullRequests.length, 1);
    assert.deepEqual(
      bodies(standIn.comments).map((body) => body.split("\n")[0]),
      ["done"],
    );
  });

  test(`${kind}: a request that never arrived is unknown until it is seen not to be there`, async (t) => {
    const { standIn, log, open, push, commit } = await forgeFor(t, kind);
    await push(commit, BRANCH);
    standIn.fault = (line) => (line.startsWith("POST") ? "refused" : undefined);
    await assert.rejects(open(), { code: "forge_unreachable", failure: "unknown" });
    assert.equal(standIn.pullRequests.length, 0);
    const statusNow = async () => (await log.exports.listExports({ runId: RUN_ID })).exports[0]?.status;
    assert.equal(await statusNow(), "unknown");
    standIn.fault = undefined;
    await open();
    assert.equal(await statusNow(), "succeeded");
    assert.equal(standIn.pullRequests.length, 1);
  });

  test(`${kind}: what the forge refuses has failed, and may be tried again`, async (t) => {
    const { standIn, log, open, push, commit } = await forgeFor(t, kind);
    // There is no such branch yet.
    await assert.rejects(open(), { code: "forge_refused", failure: "rejected" });
    assert.equal((await log.exports.listExports({ runId: RUN_ID })).exports[0]?.status, "failed");
    await push(commit, BRANCH);
    await open();
    assert.equal(standIn.pullRequests.length, 1);
  });

  test(`${kind}: a pull request that a person closed stays closed, and no other is opened`, async (t) => {
    const { standIn, open, push, commit } = await forgeFor(t, kind);
    await push(commit, BRANCH);
    const first = await open();
    const [made] = standIn.pullRequests;
    if (made !== undefined) made.state = "closed";
    assert.deepEqual(await open("other words"), first);
    assert.deepEqual(bodies(standIn.pullRequests), ["words"]);
  });
}

test("a branch with another commit on it is never overwritten", async (t) => {
  const { push, base, commit } = await forgeFor(t, "github");
  await push(commit, BRANCH);
  await assert.rejects(push(base, BRANCH), { code: "branch_taken" });
});

test("a wrong token is refused, and is in no message", async (t) => {
  const { standIn, push, commit } = await forgeFor(t, "gitea");
  const failed = await push(commit, BRANCH, "ghp_canary").catch((cause: unknown) => cause);
  assert.ok(failed instanceof Error);
  assert.doesNotMatch(`${failed.message}${failed.stack ?? ""}`, /ghp_canary/);
  const stranger = await connectForge(
    { origin: standIn.url, owner: standIn.owner, name: standIn.name },
    { token: "ghp_canary", signal },
  );
  await assert.rejects(stranger.getRepository(), (cause: Error) => {
    assert.match(cause.message, /Check that the token is valid/);
    assert.doesNotMatch(cause.message, /ghp_canary/);
    return true;
  });
});
