// A forge for the vignettes, which is a stand-in on this computer: git over its
// own HTTP server and a REST API like GitHub's. A run's result goes there as the
// runtime's exports prescribe: intended, begun, and its outcome recorded.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Export } from "@openagents/contracts";
import { startForgeStandIn, type ForgeStandIn } from "@openagents/testing/forge-stand-in";
import type { Stage } from "./stage.ts";

export type VignetteForge = Pick<ForgeStandIn, "pullRequests"> & {
  /** Such as `http://127.0.0.1:1/owner/name/issues/1`. */
  readonly issueUrl: string;
  readonly target: string;
  /** Push a branch that holds the patch over the base. */
  pushPatched(branch: string): Promise<void>;
  /** What the forge answers to a new pull request. */
  open(content: { title: string; body: string; head: string; base: string }): Promise<Response>;
};

/** Serve the repository in `repo` until `parts` are disposed. */
export async function openForge(
  parts: AsyncDisposableStack,
  folder: string,
  repo: string,
  patchFile: string,
  issue: { readonly title: string; readonly body: string },
): Promise<VignetteForge> {
  const standIn = await startForgeStandIn({ folder: join(folder, "forge"), kind: "github" });
  parts.defer(() => standIn.close());
  const { url, token, owner, name, gitDir, pullRequests } = standIn;
  await git(repo, "push", "--quiet", gitDir, "HEAD:refs/heads/main");
  const issueNumber = standIn.addIssue(issue);
  return {
    pullRequests,
    issueUrl: `${url}/${owner}/${name}/issues/${issueNumber}`,
    target: `${new URL(url).host}/${owner}/${name}`,
    async pushPatched(branch) {
      const clone = join(folder, "push");
      await git(repo, "clone", "--quiet", repo, clone);
      await git(clone, "apply", "--index", patchFile);
      await git(clone, "commit", "--quiet", "--message", issue.title);
      const credentials = Buffer.from(`x-access-token:${token}`).toString("base64");
      await git(
        clone,
        "-c",
        `http.extraHeader=Authorization: Basic ${credentials}`,
        "push",
        "--quiet",
        `${url}/${owner}/${name}.git`,
        `HEAD:refs/heads/${branch}`,
      );
    },
    open: (content) =>
      fetch(`${url}/api/v3/repos/${owner}/${name}/pulls`, {
        method: "POST",
        headers: { authorization: `token ${token}`, "content-type": "application/json" },
        body: JSON.stringify(content),
      }),
  };
}

/** Ask the forge for the run's pull request from `branch`, once, and record what it said. */
export async function exportPullRequest(stage: Stage, runId: string, branch: string): Promise<Export> {
  const { exports } = stage.buyer;
  const { signal } = stage;
  const fresh = () => ({ idempotencyKey: randomUUID(), signal });
  const content = { title: stage.orders.issue.title, head: branch, base: "main" };
  const wanted = { runId, kind: "pull_request", target: stage.forge.target, content } as const;
  const { export: intended } = await exports.requestExport(wanted, fresh());
  const { exportId, marker } = intended;
  const again = await exports.requestExport(wanted, fresh());
  assert.equal(again.export.exportId, exportId, "the same export intended twice is one");
  await exports.beginExport({ runId, exportId }, fresh());
  const answer = await stage.forge.open({ ...content, body: marker });
  const body = (await answer.json()) as { html_url?: string; message?: string };
  const { export: recorded } = await exports.recordExportOutcome(
    {
      runId,
      exportId,
      ...(answer.ok
        ? ({ outcome: "succeeded", url: body.html_url } as const)
        : ({ outcome: "failed", detail: `the forge answered ${answer.status}: ${body.message}` } as const)),
    },
    fresh(),
  );
  return recorded;
}

const run = promisify(execFile);

async function git(cwd: string, ...args: readonly string[]): Promise<void> {
  const env = {
    PATH: process.env["PATH"],
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Phase 0",
    GIT_AUTHOR_EMAIL: "phase0@localhost",
    GIT_COMMITTER_NAME: "Phase 0",
    GIT_COMMITTER_EMAIL: "phase0@localhost",
  };
  await run("git", ["-c", "safe.directory=*", ...args], { cwd, env, timeout: 60_000 });
}
