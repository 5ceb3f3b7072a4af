// What every run on a repository that looks real must leave behind, whoever wrote
// the patch: in the user's repository, in the bundle, in the books.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ProjectRepository } from "@openagents/testing";
import type { Ended, Home, StartOptions } from "./openagents.ts";

export type RunResult = {
  readonly run_id: string;
  readonly verdict: string;
  readonly proof: string;
  readonly tests_fixed: number | null;
  readonly tests_kept: number | null;
  readonly bundle_dir: string;
  readonly branch: string;
};

export type ProjectRun = {
  readonly repository: ProjectRepository;
  readonly issue: string;
  readonly agent: string;
  /** As git writes it. */
  readonly fix: string;
  readonly args?: readonly string[];
  readonly options?: StartOptions;
};

const BUDGET_MSATS = 2_000_000;

/**
 * Run the issue, and hold everything to it that does not depend on the project.
 * Undefined, with the test skipped visibly, when dependencies cannot be fetched here.
 */
export async function runProject(
  t: TestContext,
  home: Home,
  run: ProjectRun,
): Promise<RunResult | undefined> {
  const { repository, issue, agent, fix, args = [], options = {} } = run;
  const before = stateOf(repository);
  const command = ["run", "--repo", repository.repo, "--issue", issue, "--agent", agent, "--json"];
  const budget = ["--budget", `${BUDGET_MSATS}msat`];
  const started = home.start([...command, ...budget, ...args], options);
  started.child.stdin?.end();
  const ended = await started.ended;
  if (isOffline(ended)) {
    t.skip(`the registry cannot be reached: ${ended.out.slice(0, 500)}`);
    return undefined;
  }
  assert.equal(ended.code, 0, `${ended.err}\n${ended.out}`);
  const result = JSON.parse(ended.out);
  assert.deepEqual(
    [
      result.state,
      result.verdict,
      result.assurance,
      result.attempts,
      result.settlement_status,
      result.problem,
    ],
    ["succeeded", "proven", "self", 1, "released", null],
    ended.err,
  );
  assert.ok(result.spent_msats > 0 && result.spent_msats <= BUDGET_MSATS, "the budget holds");
  assert.equal(result.reserved_msats, 0);

  assert.deepEqual(stateOf(repository), before, "the user's checkout is as it was");
  assert.equal(repository.git("rev-list", "--count", `main..${result.branch}`).trim(), "1");
  assert.equal(changesOf(repository.git("diff", "main", result.branch)), changesOf(fix));
  assert.equal(changesOf(readFileSync(join(result.bundle_dir, "patch.diff"), "utf8")), changesOf(fix));

  const verified = await home.run(["verify", result.bundle_dir, "--json"]);
  assert.equal(verified.code, 0, verified.out);
  return result;
}

/** The bundles alone, with nothing running: each run ends as it did. */
export async function rerunBundles(home: Home, runs: readonly RunResult[]): Promise<void> {
  assert.match((await home.run(["status"])).out, /not running/);
  for (const { bundle_dir: bundle } of runs) {
    const { code, out, err } = await home.run(["verify", bundle, "--rerun", "--json"]);
    assert.equal(code, 0, `${out}\n${err}`);
    const claims: readonly { name: string; state: string; detail: string }[] = JSON.parse(out).claims;
    const rerun = claims.find(({ name }) => name === "rerun");
    assert.equal(rerun?.state, "holds");
    assert.match(rerun?.detail ?? "", /^proven here too: base exit [1-9]\d*, patched exit 0/);
  }
}

export async function assertBooksHold(home: Home): Promise<void> {
  const audit = await home.run(["ledger", "audit", "--json"]);
  assert.equal(JSON.parse(audit.out).ok, true, audit.out);
}

/** Whether the program that fetches from a registry can reach it; what else goes wrong is a failure. */
export function isOffline({ out, err }: Ended): boolean {
  return /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|NewConnectionError|name resolution|from versions: none|layer_tool_missing/.test(
    `${out}\n${err}`,
  );
}

/** Runs a registry's own client for an exact version, so that it fails only where the registry does: the test is skipped visibly then. */
export function canFetch(
  t: TestContext,
  cwd: string,
  [command, ...args]: readonly [string, ...string[]],
): boolean {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 120_000 });
  if (status !== 0) t.skip(`the registry cannot be reached: ${`${stdout}${stderr}`.slice(-500)}`);
  return status === 0;
}

function stateOf(project: ProjectRepository) {
  return [
    project.git("rev-parse", "HEAD"),
    project.git("status", "--porcelain", "--ignored"),
    readFileSync(join(project.repo, ".git/index"), "hex"),
  ];
}

/** A diff without the hashes and without the names that git gives to hunks. */
function changesOf(diff: string): string {
  return diff
    .split("\n")
    .filter((line) => !line.startsWith("index "))
    .map((line) => line.replace(/^(@@ [^@]* @@).*$/, "$1"))
    .join("\n");
}
