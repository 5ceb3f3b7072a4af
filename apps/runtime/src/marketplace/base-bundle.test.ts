import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { findBaseProblem } from "./base-bundle.ts";

test("a bundle of one commit without parents is taken, also where two refs name it", (t) => {
  const repo = openRepo(t);
  const base = commit(repo, "one");
  assert.equal(findBaseProblem(bundle(repo, "HEAD"), base), undefined);
  assert.equal(findBaseProblem(bundle(repo, "HEAD", "refs/heads/base"), base), undefined);
  assert.equal(findBaseProblem(bundle(repo, "--version=3", "HEAD"), base), undefined);
});

test("history, prerequisites, other refs, tags and other trees are refused", (t) => {
  const repo = openRepo(t);
  const first = commit(repo, "one");
  git(repo, "branch", "first");
  git(repo, "tag", "-a", "-m", "tag", "marked");
  const tag = { ...first, baseCommit: git(repo, "rev-parse", "marked") };
  const tagged = bundle(repo, "refs/tags/marked");
  const second = commit(repo, "two");
  const refused: readonly (readonly [Buffer, typeof first, RegExp])[] = [
    [bundle(repo, "HEAD"), second, /has a parent/],
    [bundle(repo, "first..HEAD"), second, /needs commits/],
    [bundle(repo, "HEAD", "first"), second, /refs name other commits/],
    [bundle(repo, "first"), second, /refs name other commits/],
    [bundle(repo, "first"), { ...first, baseTree: second.baseTree }, /does not have the tree/],
    [tagged, first, /refs name other commits/],
    [tagged, tag, /does not start with commit/],
    [Buffer.from("a git bundle"), first, /not a git bundle/],
    [Buffer.alloc(0), first, /not a git bundle/],
    [bundle(repo, "first").subarray(0, 120), first, /does not start with commit/],
  ];
  for (const [bytes, spec, problem] of refused)
    assert.match(findBaseProblem(bytes, spec) ?? "taken", problem);
});

test("a commit that is not what its ref says is refused", (t) => {
  const repo = openRepo(t);
  const base = commit(repo, "one");
  const bytes = bundle(repo, "HEAD");
  const other = "0".repeat(40);
  const forged = Buffer.from(bytes.toString("latin1").replace(base.baseCommit, other), "latin1");
  assert.match(findBaseProblem(forged, { ...base, baseCommit: other }) ?? "", /does not start with commit/);
});

function openRepo(t: TestContext): string {
  const repo = mkdtempSync(join(tmpdir(), "oa-bundle-"));
  t.after(() => rmSync(repo, { recursive: true, force: true }));
  git(repo, "init", "--quiet", "--initial-branch=base", ".");
  return repo;
}

function commit(repo: string, content: string) {
  writeFileSync(join(repo, "file"), content);
  git(repo, "add", "file");
  git(repo, "commit", "--quiet", "-m", "base");
  return { baseCommit: git(repo, "rev-parse", "HEAD"), baseTree: git(repo, "rev-parse", "HEAD^{tree}") };
}

function bundle(repo: string, ...args: string[]): Buffer {
  const [first = "", ...rest] = args;
  const options = first.startsWith("--") ? [first] : [];
  git(repo, "bundle", "create", "--quiet", ...options, "out", ...(options.length === 0 ? args : rest));
  return readFileSync(join(repo, "out"));
}

function git(repo: string, ...args: string[]): string {
  const who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
  return execFileSync("git", [...who, ...args], { cwd: repo, encoding: "utf8", stdio: "pipe" }).trim();
}
