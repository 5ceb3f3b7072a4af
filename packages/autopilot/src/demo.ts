// The bundled broken repository: a small library whose tests fail, the issue
// that reports it, and the recorded session that fixes it.

import { cp, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runGit } from "./git/index.ts";

export type Demo = {
  /** A git repository with one commit, whose check fails. */
  readonly repo: string;
  readonly issue: { readonly title: string; readonly body: string };
  /** For `scriptedAgent`. */
  readonly scriptFile: string;
  readonly checks: readonly string[];
  readonly toolchains: readonly { readonly name: string; readonly versionMin: string }[];
};

const DEMO = new URL("../demo/", import.meta.url);
const COMMIT_DATE = "2020-01-01T00:00:00Z";

/** Copy the demo repository into a folder that is empty or absent, and commit it there. */
export async function prepareDemoRepository(dir: string): Promise<Demo> {
  await cp(fileURLToPath(new URL("repo/", DEMO)), dir, { recursive: true, errorOnExist: true, force: false });
  const call = { cwd: dir, commitDate: COMMIT_DATE };
  await runGit(["init", "--quiet", "--template=", "--initial-branch=main"], call);
  await runGit(["add", "--all", "."], call);
  await runGit(["commit", "--quiet", "--message", "line-fill 1.2.0"], call);
  return {
    repo: dir,
    issue: parseIssue(await readFile(new URL("issue.md", DEMO), "utf8")),
    scriptFile: fileURLToPath(new URL("agent.json", DEMO)),
    checks: ["node --test"],
    toolchains: [{ name: "node", versionMin: "20" }],
  };
}

/** An issue as a file has its title in the first line, a heading or not; the rest is its body. */
export function parseIssue(text: string): { title: string; body: string } {
  const [first = "", ...rest] = text.trim().split("\n");
  return { title: first.replace(/^#+\s*/, "").trim(), body: rest.join("\n").trim() };
}
