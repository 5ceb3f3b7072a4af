// A run's branch on its way to a forge, and the commit that it stands on from there.
// Nothing there is ever overwritten.

import { mkdir, rm } from "node:fs/promises";
import { AutopilotError } from "../autopilot-error.ts";
import { GitError, runGit, runGitText, type GitCall } from "../git/index.ts";

export type PushRequest = {
  /** The repository that has the commit. */
  readonly repo: string;
  readonly commit: string;
  readonly branch: string;
  /** Https; http only to this machine. */
  readonly cloneUrl: string;
  readonly token: string;
  readonly signal: AbortSignal;
};

const PUSH_MS_MAX = 600_000;

/**
 * Have one commit of a forge's repository in a bare one in `folder`, without its history; what was there is
 * removed. Throws `commit_gone` when the forge does not give it.
 */
export async function fetchCommit(
  folder: string,
  { commit, cloneUrl, token, signal }: Pick<PushRequest, "commit" | "cloneUrl" | "token" | "signal">,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await runGit(["init", "--quiet", "--bare", "--template=", "."], { cwd: folder, signal });
  try {
    await runGit(
      ["fetch", "--quiet", "--depth=1", "--no-tags", cloneUrl, commit],
      forgeCall(folder, { cloneUrl, token, signal }),
    );
  } catch (cause) {
    if (!(cause instanceof GitError)) throw cause;
    throw new AutopilotError(
      "commit_gone",
      `The run began on another computer, and ${new URL(cloneUrl).host} does not give its commit ${commit.slice(0, 12)} here: ${cause.detail} Resume the run where it began; the patch is in the bundle.`,
      { cause },
    );
  }
}

function forgeCall(
  cwd: string,
  { cloneUrl, token, signal }: Pick<PushRequest, "cloneUrl" | "token" | "signal">,
): GitCall {
  const { protocol, origin } = new URL(cloneUrl);
  const credentials = Buffer.from(`x-access-token:${token}`).toString("base64");
  return {
    cwd,
    network: protocol === "http:" ? "http" : "https",
    authorization: { origin, header: `Basic ${credentials}` },
    wallMsMax: PUSH_MS_MAX,
    signal,
  };
}

/**
 * Push one commit to one branch; a repeat finds it there. Throws `branch_taken`
 * when another commit is on that branch, and `push_failed`.
 */
export async function pushBranch(request: PushRequest): Promise<void> {
  const { repo, commit, branch, cloneUrl } = request;
  const { host } = new URL(cloneUrl);
  const call = forgeCall(repo, request);
  const ref = `refs/heads/${branch}`;
  try {
    await runGit(["push", "--quiet", "--no-verify", cloneUrl, `${commit}:${ref}`], call);
  } catch (cause) {
    if (!(cause instanceof GitError)) throw cause;
    const there = await runGitText(["ls-remote", cloneUrl, ref], call).catch(() => "");
    if (there.startsWith(commit)) return;
    if (there !== "") {
      throw new AutopilotError(
        "branch_taken",
        `${host} has another commit on the branch ${branch}. Rename or remove that branch, and resume the run.`,
        { cause },
      );
    }
    throw new AutopilotError(
      "push_failed",
      `The branch ${branch} could not be pushed to ${host}: ${cause.detail}`,
      { cause },
    );
  }
}
