import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { openBundle, runGit, runGitText } from "../git/index.ts";
import { makeWorkspace, openWorkspace, parseSource, writeBranch } from "./index.ts";

const signal = new AbortController().signal;

async function folder(t: TestContext, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "workspace-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}

async function repository(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await folder(t, files);
  await runGit(["init", "--quiet", "--initial-branch=main"], { cwd: dir });
  await runGit(["add", "--all", "."], { cwd: dir });
  await runGit(["commit", "--quiet", "--message", "first"], { cwd: dir });
  return dir;
}

async function work(t: TestContext, source: string) {
  const home = join(await folder(t), "w");
  const facts = await makeWorkspace(parseSource(source, "/"), home, signal);
  return { home, facts, workspace: await openWorkspace(home, facts, signal) };
}

test("a workspace outlives the process that made it, and the repository that it came from", async (t) => {
  const repo = await repository(t, { "a.txt": "one\n" });
  const { home, facts } = await work(t, repo);
  await rm(join(repo, ".git"), { recursive: true });
  const again = await openWorkspace(home, facts, signal);
  await writeFile(join(again.dir, "a.txt"), "two\n");
  assert.match((await again.diff()).toString(), /-one\n\+two/);
  const opened = await openBundle(again.base.bundleFile, await folder(t), facts, 1_000, signal);
  assert.equal(opened.tree, facts.tree);
});

test("what the user did not commit is not in the base, and is counted", async (t) => {
  const repo = await repository(t, { "a.txt": "one\n", ".gitignore": "ignored\n" });
  for (const name of ["a.txt", "new.txt", "ignored"]) await writeFile(join(repo, name), "changed\n");
  const { facts, workspace } = await work(t, repo);
  assert.equal(facts.uncommitted, 2);
  assert.equal(await readFile(join(workspace.dir, "a.txt"), "utf8"), "one\n");
  assert.deepEqual((await readdir(workspace.dir)).toSorted(), [".gitignore", "a.txt"]);
});

test("counting changes runs none of the repository's filters", async (t) => {
  const repo = await repository(t, { "a.txt": "one\n", ".gitattributes": "* filter=bad\n" });
  await runGit(["config", "filter.bad.clean", `touch ${repo}/ran; cat`], { cwd: repo });
  await writeFile(join(repo, "a.txt"), "two\n");
  const { facts } = await work(t, repo);
  assert.equal(facts.uncommitted, 1);
  assert.equal((await readdir(repo)).includes("ran"), false);
});

test("a plain folder is taken without what it ignores, and is not written to", async (t) => {
  const dir = await folder(t, {
    "a.txt": "one\n",
    "b/c.txt": "c\n",
    ".gitignore": "*.log\n",
    "x.log": "",
    "node_modules/m/index.js": "",
    ".venv/bin/python": "",
  });
  const before = await readdir(dir, { recursive: true });
  const { facts, workspace } = await work(t, dir);
  assert.equal(facts.origin, undefined);
  assert.deepEqual((await readdir(workspace.dir, { recursive: true })).toSorted(), [
    ".gitignore",
    "a.txt",
    "b",
    "b/c.txt",
  ]);
  assert.deepEqual(await readdir(dir, { recursive: true }), before);
  await writeFile(join(workspace.dir, "a.txt"), "two\n");
  assert.match((await workspace.diff()).toString(), /-one\n\+two/);
});

test("a plain folder with links out, repositories inside, or nothing is refused", async (t) => {
  const out = await folder(t, { "a.txt": "" });
  await symlink("../../etc/passwd", join(out, "link"));
  await assert.rejects(work(t, out), { code: "link_outside", message: /link in/ });
  const nested = await folder(t, { "a.txt": "" });
  await mkdir(join(nested, "sub"));
  await runGit(["init", "--quiet"], { cwd: join(nested, "sub") });
  await writeFile(join(nested, "sub", "f"), "");
  await assert.rejects(work(t, nested), { code: "nested_repository", message: /sub\// });
  await assert.rejects(work(t, await folder(t)), { code: "repository_empty" });
  await assert.rejects(work(t, join(out, "absent")), { code: "repository_not_found" });
});

test("a link that stays inside is taken as a link", async (t) => {
  const dir = await folder(t, { "a.txt": "one\n" });
  await symlink("a.txt", join(dir, "link"));
  const { workspace } = await work(t, dir);
  assert.equal(await readFile(join(workspace.dir, "link"), "utf8"), "one\n");
});

test("a broken-off try leaves nothing that the next one takes for whole", async (t) => {
  const repo = await repository(t, { "a.txt": "one\n" });
  const home = join(await folder(t), "w");
  await mkdir(`${home}.partial/base.git`, { recursive: true });
  const facts = await makeWorkspace(parseSource(repo, "/"), home, signal);
  await openWorkspace(home, facts, signal);
  await rm(join(home, "base.bundle"));
  await assert.rejects(openWorkspace(home, facts, signal), { code: "workspace_lost" });
});

test("addresses that git could misread, and addresses with passwords, are refused", () => {
  assert.deepEqual(parseSource("file:///srv/x", "/"), { kind: "folder", path: "/srv/x" });
  assert.deepEqual(parseSource("sub", "/srv"), { kind: "folder", path: "/srv/sub" });
  assert.equal(parseSource("git@example.com:a/b.git", "/").kind, "url");
  assert.equal(parseSource("https://example.com/a.git", "/").kind, "url");
  for (const text of ["ext::sh -c x", "http://example.com/a", "git://example.com/a", "file://host/x"]) {
    assert.throws(() => parseSource(text, "/"), { code: "repo_url_unsupported" }, text);
  }
  for (const text of ["https://user:secret@example.com/a", "https://token@example.com/a", "ssh://u:p@h/x"]) {
    assert.throws(
      () => parseSource(text, "/"),
      (error: Error) => !/secret|token@|u:p/.test(error.message),
    );
  }
});

test("the branch is one commit on the user's HEAD, and nothing else of the repository changes", async (t) => {
  const repo = await repository(t, { "a.txt": "one\n", "b.txt": "b\n" });
  await writeFile(join(repo, "b.txt"), "mine\n");
  await runGit(["add", "b.txt"], { cwd: repo });
  const { facts, workspace } = await work(t, repo);
  await writeFile(join(workspace.dir, "a.txt"), "two\n");
  await mkdir(join(workspace.dir, "new"));
  await writeFile(join(workspace.dir, "new/c.txt"), "c\n");
  const patch = await workspace.diff();
  const { origin } = facts;
  assert.ok(origin !== undefined);
  const request = {
    origin,
    base: workspace.base,
    patch,
    branch: "openagents/x",
    message: "Fix\n\nwhy\n",
    atMs: 1_790_000_000_000,
    signal,
  };
  const state = async () => ({
    head: await runGitText(["rev-parse", "HEAD"], { cwd: repo }),
    index: await readFile(join(repo, ".git/index"), "hex"),
    status: await runGitText(["status", "--porcelain"], { cwd: repo }),
  });
  const before = await state();
  const commit = await writeBranch(request);
  assert.deepEqual(await state(), before);
  const show = (format: string) =>
    runGitText(["log", "-1", `--format=${format}`, "openagents/x"], { cwd: repo });
  assert.equal(await show("%an|%P|%s"), `OpenAgents|${origin.head}|Fix`);
  assert.equal(
    await runGitText(["diff", "--name-only", "main", "openagents/x"], { cwd: repo }),
    "a.txt\nnew/c.txt",
  );

  assert.equal(await writeBranch(request), commit, "a repeat finds the branch");
  await assert.rejects(writeBranch({ ...request, message: "Other\n" }), { code: "branch_exists" });
  assert.equal(await show("%s"), "Fix");
});
