// A run's branch on its way to a forge. Nothing there is ever overwritten.

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
 * Push one commit to one branch; a repeat finds it there. Throws `branch_taken`
 * when another commit is on that branch, and `push_failed`.
 */
export async function pushBranch(request: PushRequest): Promise<void> {
  const { repo, commit, branch, cloneUrl, token, signal } = request;
  const { protocol, origin, host } = new URL(cloneUrl);
  const credentials = Buffer.from(`x-access-token:${token}`).toString("base64");
  const call: GitCall = {
    cwd: repo,
    network: protocol === "http:" ? "http" : "https",
    authorization: { origin, header: `Basic ${credentials}` },
    wallMsMax: PUSH_MS_MAX,
    signal,
  };
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
