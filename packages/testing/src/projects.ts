// Small projects that look like real ones, each with a bug that its own tests
// find: what a test gives to a run as a user's repository.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ResponsesScript } from "./responses-server.ts";

/** An npm project with a dependency, a Python project whose tests need pytest, and one of C with a Makefile. */
export type ProjectName = "backoff-plan" | "slot-book" | "field-split";

export type ProjectRepository = {
  /** A checkout of `main` with nothing uncommitted. */
  readonly repo: string;
  readonly git: (...args: readonly string[]) => string;
  readonly remove: () => void;
};

export type SampleProject = ProjectRepository & {
  readonly issueFile: string;
  readonly issueTitle: string;
  /** What fixes the bug, as git writes it. */
  readonly fixFile: string;
  /** The turns of a model whose agent fixes it. */
  readonly turns: ResponsesScript;
};

const PROJECTS = new URL("../projects/", import.meta.url);

/** The project in a new repository with a history of three commits. */
export function sampleProject(name: ProjectName): SampleProject {
  const file = (path: string) => fileURLToPath(new URL(`${name}/${path}`, PROJECTS));
  const repository = projectRepository(
    (folder) => cpSync(file("repo"), folder, { recursive: true }),
    [
      ["start", ":(exclude)src", ":(exclude)include", ":(exclude)test", ":(exclude)tests"],
      ["the library", ":(exclude)test", ":(exclude)tests"],
      ["tests"],
    ],
  );
  const issueFile = file("issue.md");
  return {
    ...repository,
    issueFile,
    issueTitle: readFileSync(issueFile, "utf8").split("\n", 1).join("").replace(/^# /, ""),
    fixFile: file("fix.patch"),
    turns: JSON.parse(readFileSync(file("codex.json"), "utf8")),
  };
}

/** A new repository with what `fill` puts into its folder; each commit has a message and takes what git's pathspecs leave in. */
export function projectRepository(
  fill: (folder: string) => void,
  commits: readonly (readonly [message: string, ...pathspecs: readonly string[]])[],
): ProjectRepository {
  const folder = mkdtempSync(join(tmpdir(), "oa-sample-"));
  const repo = join(folder, "repo");
  fill(repo);
  const git = (...args: readonly string[]) => runGit(repo, args);
  git("init", "--quiet", "--initial-branch=main");
  for (const [message, ...pathspecs] of commits) {
    git("add", "--all", "--", ".", ...pathspecs);
    git("commit", "--quiet", "--message", message);
  }
  return { repo, git, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function runGit(cwd: string, args: readonly string[]): string {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "safe.directory=*"];
  const { status, stdout, stderr } = spawnSync("git", [...identity, ...args], { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
  return stdout;
}
