// Trees made of a base and a patch: as folders to work in, and as ids. Patches
// apply exactly or not at all; nothing is guessed, and nothing outside the tree
// is touched.

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";
import type { Base } from "./base-tree.ts";
import { GitError, runGit, runGitText, type GitCall } from "./run-git.ts";

const PATCH_BYTES_MAX = 16 * 1024 * 1024;
const LIST_BYTES_MAX = 64 * 1024 * 1024;

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

/** Write a tree's files into a new folder; the base's own when no other is named. */
export async function checkOut(
  base: Base,
  folder: string,
  signal?: AbortSignal,
  tree: string = base.tree,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await runGit(["read-tree", "--reset", "-u", tree], treeCall(base, folder, signal));
}

/**
 * Make the tree of base and patch in the base's repository, without writing a
 * file of it, and answer its id. Throws `patch_does_not_apply`.
 */
export async function patchedTree(base: Base, part: PatchPart, signal?: AbortSignal): Promise<string> {
  const call = await openIndex(base, base.tree, signal);
  await applyPatch(["--cached"], part, call);
  return runGitText(["write-tree"], call);
}

export type Restoration = {
  /** Each is as it was on the base, content and mode; gone when the base has no such file. */
  readonly restore: readonly string[];
  /** Gone, whatever they are. */
  readonly remove: readonly string[];
};

/**
 * Make a tree that is `tree` but for some paths, and answer its id. A path that
 * is restored wins over what stands in its way: a file where the base has a
 * folder goes, and so does all in a folder where the base has a file.
 */
export async function restoredTree(
  base: Base,
  tree: string,
  { restore, remove }: Restoration,
  signal?: AbortSignal,
): Promise<string> {
  const entries = await listEntries(base, signal);
  const back = restore.flatMap((path) => entries.get(path) ?? []);
  const gone = [...remove, ...restore.filter((path) => !entries.has(path))];
  const call = await openIndex(base, tree, signal);
  // Removals first, so that none takes away what came back.
  const lines = [...gone.map((path) => `0 ${"0".repeat(40)}\t${path}`), ...back];
  await runGit(["update-index", "-z", "--index-info"], {
    ...call,
    input: Buffer.from(lines.map((line) => `${line}\0`).join("")),
  });
  return runGitText(["write-tree"], call);
}

/** A file of the base, a link's target as its content; undefined when there is no such file. */
export async function readBaseFile(
  base: Base,
  path: string,
  bytesMax: number,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  const call = { cwd: base.gitDir, gitDir: base.gitDir, signal };
  const listed = await runGitText(["ls-tree", "-z", base.tree, "--", path], call);
  const id = /^\d{6} blob ([0-9a-f]{40})\t/.exec(listed)?.[1];
  if (id === undefined) return undefined;
  return runGit(["cat-file", "blob", id], { ...call, outputBytesMax: bytesMax });
}

/** Whether the base has a file, or files below a folder, at exactly this path. */
export async function isInBase(base: Base, path: string, signal?: AbortSignal): Promise<boolean> {
  const call = { cwd: base.gitDir, gitDir: base.gitDir, signal };
  return (await runGit(["ls-tree", "-z", base.tree, "--", path], call)).length > 0;
}

/** Mode by path of every file of the base; `120000` is a link. */
export async function listBaseFiles(base: Base, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const entries = await listEntries(base, signal);
  return new Map([...entries].map(([path, line]) => [path, line.slice(0, 6)]));
}

/** What `update-index` takes to put a file of the base back, by path. */
async function listEntries(
  base: Base,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const listed = await runGit(["ls-tree", "-r", "-z", "--full-tree", base.tree], {
    cwd: base.gitDir,
    gitDir: base.gitDir,
    outputBytesMax: LIST_BYTES_MAX,
    signal,
  });
  const lines = listed.toString("utf8").split("\0").slice(0, -1);
  return new Map(lines.map((line) => [line.slice(line.indexOf("\t") + 1), line]));
}

/** An index of its own that holds a tree, without a work folder. */
async function openIndex(base: Base, tree: string, signal: AbortSignal | undefined): Promise<GitCall> {
  const indexFile = join(base.gitDir, "computed.index");
  const call = { cwd: base.gitDir, gitDir: base.gitDir, indexFile, signal };
  await rm(indexFile, { force: true });
  await runGit(["read-tree", tree], call);
  return call;
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
 * without those that the tree's own `.gitignore` leaves out, and without anything
 * new at or below the paths of `leftOut`, whatever a `.gitignore` says. Empty when
 * nothing changed. Throws `patch_too_large`.
 */
export async function diffFolder(
  base: Base,
  folder: string,
  signal?: AbortSignal,
  leftOut: readonly string[] = [],
): Promise<Buffer> {
  const call = treeCall(base, folder, signal);
  await runGit(["read-tree", base.tree], call);
  await runGit(["add", "--all", "."], call);
  // Afterwards, since a `.gitignore` overrules any list of what to ignore, and git
  // refuses to leave out by its path what is ignored already.
  if (leftOut.length > 0) {
    const remove = ["rm", "-r", "--cached", "--force", "--quiet", "--ignore-unmatch"];
    await runGit([...remove, "--", ...leftOut], call);
  }
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
