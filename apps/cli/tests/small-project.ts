// A small repository with a bug, and scripts of an agent that fix it or do not.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

export type Project = {
  readonly repo: string;
  /** A script whose attempts make these changes, each on top of the one before. */
  script(...attempts: readonly Files[]): string;
  git(...args: readonly string[]): string;
};

type Files = Readonly<Record<string, string>>;

const FILES: Files = {
  "package.json": '{ "name": "small", "type": "module", "scripts": { "test": "node --test" } }\n',
  "src/add.js": "export const add = (a, b) => a - b;\n",
  "test/add.test.js": [
    'import assert from "node:assert/strict";',
    'import { test } from "node:test";',
    'import { add } from "../src/add.js";',
    'test("adds", () => assert.equal(add(1, 2), 3));',
    'test("adds nothing", () => assert.equal(add(1, 0), 1));',
    "",
  ].join("\n"),
};

/** What an agent can do to it. */
export const FIX: Files = { "src/add.js": "export const add = (a, b) => a + b;\n" };
export const NO_FIX: Files = { "src/add.js": "export const add = (a, b) => a * b;\n" };
export const FIX_AND_CONFIGURE: Files = {
  ...FIX,
  "package.json": '{ "name": "small", "type": "module", "scripts": { "test": "node --test test/" } }\n',
};

export const ISSUE = "add() subtracts\n\nadd(1, 2) must be 3.";

export function smallProject(t: TestContext): Project {
  const folder = mkdtempSync(join(tmpdir(), "oa-project-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const repo = join(folder, "repo");
  write(repo, FILES);
  const git = (...args: readonly string[]) => runGit(repo, args);
  git("init", "--quiet", "--initial-branch=main");
  git("add", ".");
  git("commit", "--quiet", "--message", "first");
  let scripts = 0;
  return {
    repo,
    git,
    script(...attempts) {
      scripts += 1;
      const clone = join(folder, `clone-${scripts}`);
      runGit(folder, ["clone", "--quiet", repo, clone]);
      const steps = attempts.map((files, index) => {
        const before = runGit(clone, ["rev-parse", "HEAD"]).trim();
        write(clone, files);
        runGit(clone, ["add", "."]);
        runGit(clone, ["commit", "--quiet", "--allow-empty", "--message", "attempt"]);
        const patch = `${scripts}-${index}.patch`;
        writeFileSync(join(folder, patch), runGit(clone, ["diff", before, "HEAD"]));
        return { steps: [{ say: `attempt ${index + 1}` }, { patch }] };
      });
      const file = join(folder, `${scripts}.json`);
      writeFileSync(file, JSON.stringify({ version: 1, attempts: steps }));
      return file;
    },
  };
}

function write(dir: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
}

function runGit(cwd: string, args: readonly string[]): string {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "safe.directory=*"];
  const { status, stdout, stderr } = spawnSync("git", [...identity, ...args], { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
  return stdout;
}
