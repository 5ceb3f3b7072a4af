// Trees made of a base and a patch: as folders to work in, and as ids. Patches
// apply exactly or not at all; nothing is guessed, and nothing outside the tree
// is touched.

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";
import type { Base } from "./base-tree.ts";
import { GitError, runGit, runGitText, type GitCall } from "./run-git.ts";

const PATCH_BYTES_MAX = 16 * 1024 * 1024;

/** Every option that a diff depends on, so that equal changes make equal bytes. */
const DIFF_OPTIONS = [
  "--binary",
  "--full-index",
  "--no-color",
  "--no-ext-diff",
  "--no-textconv",
  // A rename would depend on a similarity guess.
  "--no-renames",
  "--diff-algorithm=myers",
  "--unified=3",
  "--src-prefix=a/",
  "--dst-prefix=b/",
];

export type PatchPart = {
  readonly patch: Buffer;
  /** Apply only the hunks of these files; absent means all. */
  readonly onlyPaths?: readonly string[];
};

/** Write the base's files into a new folder. */
export async function checkOut(base: Base, folder: string, signal?: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  await runGit(["read-tree", "--reset", "-u", base.tree], treeCall(base, folder, signal));
}

/**
 * Apply a patch to a folder that holds the base, and answer the id of the tree
 * that it then is. Throws `patch_does_not_apply` and leaves the folder as it was.
 */
export async function applyToFolder(
  base: Base,
  folder: string,
  part: PatchPart,
  signal?: AbortSignal,
): Promise<string> {
  const call = treeCall(base, folder, signal);
  await applyPatch(["--index"], part, call);
  return runGitText(["write-tree"], call);
}

/** The id of the tree that base and patch make, without writing a file of it. Throws `patch_does_not_apply`. */
export async function patchedTree(base: Base, part: PatchPart, signal?: AbortSignal): Promise<string> {
  const indexFile = join(base.gitDir, "computed.index");
  const call = { cwd: base.gitDir, gitDir: base.gitDir, indexFile, signal };
  await rm(indexFile, { force: true });
  await runGit(["read-tree", base.tree], call);
  await applyPatch(["--cached"], part, call);
  return runGitText(["write-tree"], call);
}

/** Apply to the files alone, so that it works on top of what an agent changed already. */
export async function applyToWorkspace(
  base: Base,
  folder: string,
  patch: Buffer,
  signal?: AbortSignal,
): Promise<void> {
  await applyPatch([], { patch }, treeCall(base, folder, signal));
}

/**
 * The difference between the base and a folder: changed, new and deleted files,
 * without those that the tree's own `.gitignore` leaves out. Empty when nothing
 * changed. Throws `patch_too_large`.
 */
export async function diffFolder(base: Base, folder: string, signal?: AbortSignal): Promise<Buffer> {
  const call = treeCall(base, folder, signal);
  await runGit(["read-tree", base.tree], call);
  await runGit(["add", "--all", "."], call);
  const diff = ["diff", "--cached", ...DIFF_OPTIONS, base.tree, "--"];
  return runGit(diff, { ...call, outputBytesMax: PATCH_BYTES_MAX }).catch((cause: unknown) => {
    if (!(cause instanceof AutopilotError) || cause.code !== "git_output_too_large") throw cause;
    throw new AutopilotError("patch_too_large", `The patch has more than ${PATCH_BYTES_MAX} bytes.`, {
      cause,
    });
  });
}

async function applyPatch(options: readonly string[], part: PatchPart, call: GitCall): Promise<void> {
  const { patch, onlyPaths } = part;
  if (onlyPaths?.length === 0) return;
  const include = (onlyPaths ?? []).map((path) => `--include=${literalPattern(path)}`);
  try {
    await runGit(["apply", "--whitespace=nowarn", ...options, ...include, "-"], { ...call, input: patch });
  } catch (cause) {
    if (!(cause instanceof GitError)) throw cause;
    throw new AutopilotError(
      "patch_does_not_apply",
      `The patch does not apply to its base: ${cause.detail}`,
      { cause },
    );
  }
}

/** `--include` takes patterns; a path with pattern characters must mean only itself. */
function literalPattern(path: string): string {
  return path.replace(/[\\*?[\]]/g, "\\$&");
}

/** Each folder has its own index, so that the trees of one base do not meet. */
function treeCall(base: Base, folder: string, signal: AbortSignal | undefined): GitCall {
  const indexFile = `${folder.replace(/\/+$/, "")}.index`;
  return { cwd: folder, gitDir: base.gitDir, workTree: folder, indexFile, signal };
}
