// A run's result in the user's repository: one commit on one new branch. Index,
// work tree and HEAD stay as they are, and no branch is ever moved.

import { AutopilotError } from "../autopilot-error.ts";
import { GitError, patchedTree, runGit, runGitText, type Base } from "../git/index.ts";

export type BranchRequest = {
  /** The user's repository, and the commit that the base is the tree of. */
  readonly origin: { readonly repo: string; readonly head: string };
  readonly base: Base;
  readonly patch: Buffer;
  readonly branch: string;
  readonly message: string;
  /** Part of the commit, so that a repeat makes the same one. */
  readonly atMs: number;
  readonly signal: AbortSignal;
};

/**
 * Make the branch, and answer its commit. A repeat finds the branch that it made.
 * Throws `branch_exists` when another commit is on it.
 */
export async function writeBranch(request: BranchRequest): Promise<string> {
  const { origin, base, patch, branch, message, signal } = request;
  const tree = await patchedTree(base, { patch }, signal);
  const own = { cwd: base.gitDir, gitDir: base.gitDir, signal };
  const objects = await runGit(["rev-list", "--objects", "--no-object-names", "--stdin"], {
    ...own,
    input: Buffer.from(`${tree}\n^${base.tree}\n`),
  });
  const pack = await runGit(["pack-objects", "--quiet", "--stdout"], {
    ...own,
    input: objects,
    outputBytesMax: PACK_BYTES_MAX,
  });
  const user = { cwd: origin.repo, signal };
  await runGit(["unpack-objects", "-q"], { ...user, input: pack });
  const date = `${Math.floor(request.atMs / 1000)} +0000`;
  const commit = await runGitText(["commit-tree", tree, "-p", origin.head, "-F", "-"], {
    ...user,
    commitDate: date,
    input: Buffer.from(message),
  });
  const ref = `refs/heads/${branch}`;
  try {
    // The empty old value: the branch must not be there.
    await runGit(["update-ref", "-m", "openagents run", ref, commit, "0".repeat(40)], user);
  } catch (cause) {
    if (!(cause instanceof GitError)) throw cause;
    const there = await runGitText(["rev-parse", "--verify", "--quiet", ref], user).catch(() => undefined);
    if (there === commit) return commit;
    throw new AutopilotError(
      "branch_exists",
      there === undefined
        ? `The branch ${branch} could not be made: ${cause.detail}`
        : `There is a branch ${branch} already, and it is not this run's. Rename it; the patch is in the bundle.`,
      { cause },
    );
  }
  return commit;
}

/** Whether the user's repository is on this machine, with the commit that the base is the tree of. */
export function isOriginHere(origin: BranchRequest["origin"], signal: AbortSignal): Promise<boolean> {
  return runGit(["cat-file", "-e", `${origin.head}^{commit}`], { cwd: origin.repo, signal }).then(
    () => true,
    () => {
      signal.throwIfAborted();
      return false;
    },
  );
}

const PACK_BYTES_MAX = 256 * 1024 * 1024;
