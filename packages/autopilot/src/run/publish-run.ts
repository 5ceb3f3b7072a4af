// What a forge is told of a run: on the issue that it works and how it ended, and
// of a patch that holds, the pull request. Each is there once, however often this
// is tried; without a token, an earlier process's run is not published.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";
import {
  ForgeError,
  connectForge,
  describeRepository,
  publishPullRequest,
  publishStatus,
  pullRequestBody,
  type ExportLog,
  type Forge,
} from "../forge/index.ts";
import { cloneFolder, fetchCommit, isOriginHere, pushBranch } from "../workspace/index.ts";
import { spentMsats, type Ending, type RunRequest } from "./journal.ts";
import { workspaceFolder } from "./run-files.ts";
import { branchOf, commitResult } from "./result.ts";
import type { Session } from "./session.ts";

type Target = NonNullable<RunRequest["pullRequest"]>;

/** On the issue: that the run works on it. A forge that cannot be reached now is told the end later. */
export async function announceRun(session: Session): Promise<void> {
  const { pullRequest: target } = session.journal.current.request;
  if (target?.issueNumber === undefined) return;
  const text = `Autopilot works on this, in run \`${session.runId}\`.`;
  await tellIssue(session, target, target.issueNumber, text).catch((cause: unknown) => {
    if (!(cause instanceof ForgeError)) throw cause;
  });
}

/** After the end: the pull request where the run succeeded, and on the issue how it ended. */
export async function publishRun(session: Session, ending: Ending): Promise<void> {
  const { journal, steps } = session;
  const { pullRequest: target } = journal.current.request;
  if (target === undefined) return;
  if (ending.status === "succeeded" && journal.current.pullRequestUrl === undefined) {
    const pullRequestUrl = await steps.step(
      "pull request",
      () => openPullRequest(session, target),
      (url) => url,
    );
    await journal.save({ pullRequestUrl });
  }
  if (target.issueNumber === undefined || journal.current.issueTold === true) return;
  await tellIssue(session, target, target.issueNumber, endingText(session, ending));
  await journal.save({ issueTold: true });
}

async function openPullRequest(session: Session, target: Target): Promise<string> {
  const { journal, runId, signal } = session;
  const { request, bundleDir } = journal.current;
  if (bundleDir === undefined) throw new Error(`${runId} has no bundle to tell of`);
  const { token, forge } = await openForge(session, target);
  const origin = await originFor(session, target, token);
  const commit = await commitResult(session, origin);
  const branch = branchOf(runId);
  await pushBranch({ repo: origin.repo, commit, branch, cloneUrl: target.cloneUrl, token, signal });
  const { url } = await publishPullRequest(exportLog(session), forge, {
    title: request.issue.title.replace(/\s+/g, " ").trim().slice(0, 250),
    body: await bodyOf(session, bundleDir, target.issueNumber),
    head: branch,
    base: target.base,
  });
  return url;
}

/**
 * The repository that the branch is made in: the user's, our clone, or on a machine that has neither, because
 * the run began elsewhere, one that holds the base's commit from the forge alone.
 */
async function originFor(
  { folder, journal, runId, signal }: Session,
  target: Target,
  token: string,
): Promise<{ readonly repo: string; readonly head: string }> {
  const { base } = journal.current;
  const clone = cloneFolder(workspaceFolder(folder));
  const head = base?.origin?.head ?? base?.cloneHead;
  if (head === undefined)
    throw new AutopilotError("pull_request_needs_forge", `${runId} has no repository to push from.`);
  for (const origin of [...(base?.origin === undefined ? [] : [base.origin]), { repo: clone, head }])
    if (await isOriginHere(origin, signal)) return origin;
  await fetchCommit(clone, { commit: head, cloneUrl: target.cloneUrl, token, signal });
  return { repo: clone, head };
}

async function bodyOf(
  { runId, clients, journal, signal }: Session,
  bundleDir: string,
  issueNumber: number | undefined,
): Promise<string> {
  const summary = await readFile(join(bundleDir, "PR_SUMMARY.md"), "utf8");
  const { run } = await clients.runs.getRun({ runId }, { signal });
  const assurance = journal.current.attempts.at(-1)?.orders.at(-1)?.verification?.assurance;
  const metadata = {
    sessionId: runId,
    policyBundleId: undefined,
    trajectoryHash: run.trajectoryHash,
    verified: assurance === "self" || assurance === "independent",
  };
  return pullRequestBody(summary, metadata, issueNumber);
}

function endingText({ runId, journal }: Session, { status, problem }: Ending): string {
  const { pullRequestUrl } = journal.current;
  const cost = `It cost ${spentMsats(journal.current)} msats.`;
  if (status === "succeeded" && pullRequestUrl !== undefined)
    return `Autopilot's run \`${runId}\` opened ${pullRequestUrl}. ${cost}`;
  const why = problem === undefined ? "" : `: ${problem.detail.slice(0, 500)}`;
  return `Autopilot's run \`${runId}\` ${status}${why}. There is no pull request. ${cost}`;
}

async function tellIssue(session: Session, target: Target, issueNumber: number, text: string): Promise<void> {
  await session.steps.step(
    "issue",
    async () => {
      const { forge } = await openForge(session, target);
      await publishStatus(exportLog(session), forge, issueNumber, text);
    },
    () => `${describeRepository(target)}#${issueNumber} knows`,
  );
}

async function openForge(
  { deps, signal }: Session,
  target: Target,
): Promise<{ readonly forge: Forge; readonly token: string }> {
  const token = deps.forgeToken?.(target);
  if (token === undefined) {
    throw new AutopilotError(
      "pull_request_needs_token",
      `${describeRepository(target)} needs a token that may push there. Set OPENAGENTS_FORGE_TOKEN, and resume the run.`,
    );
  }
  return { token, forge: await connectForge(target, { token, signal }) };
}

function exportLog({ clients, runId, pause, signal }: Session): ExportLog {
  return { exports: clients.exports, runId, pause: (ms) => pause(ms, signal), signal };
}
