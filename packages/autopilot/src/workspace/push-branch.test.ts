import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startForgeStandIn } from "@openagents/testing";
import { fetchCommit } from "./push-branch.ts";

const NEVER = new AbortController().signal;

test("one commit of a forge is had without its history, and one that it does not give is named with what helps", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "oa-fetch-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const forge = await startForgeStandIn({ folder: join(folder, "forge"), kind: "gitea" });
  t.after(() => forge.close());
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "safe.directory=*"];
  const git = (cwd: string, ...args: string[]) =>
    execFileSync("git", [...identity, ...args], { cwd, encoding: "utf8" }).trim();
  git(folder, "init", "--quiet", "--initial-branch=main", "work");
  const work = join(folder, "work");
  for (const name of ["first", "second"]) git(work, "commit", "--quiet", "--allow-empty", "--message", name);
  git(work, "push", "--quiet", forge.gitDir, "main");
  const head = git(work, "rev-parse", "HEAD");
  const from = {
    cloneUrl: `${forge.url}/${forge.owner}/${forge.name}.git`,
    token: forge.token,
    signal: NEVER,
  };

  const clone = join(folder, "clone.git");
  for (let turn = 0; turn < 2; turn += 1) {
    await fetchCommit(clone, { ...from, commit: head });
    assert.equal(git(clone, "rev-list", "--count", head), "1");
  }
  await assert.rejects(fetchCommit(clone, { ...from, commit: "0".repeat(39) + "1" }), {
    code: "commit_gone",
    message: /does not give its commit 000000000000 here.*Resume the run where it began/s,
  });
  await assert.rejects(fetchCommit(clone, { ...from, commit: head, token: "wrong" }), {
    code: "commit_gone",
  });
});
