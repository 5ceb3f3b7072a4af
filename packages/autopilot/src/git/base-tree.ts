// The base of a run: the tree of a repository's HEAD as one commit without
// parents, so that it carries no history, and the bundle file in which that
// commit travels. Equal trees make the equal commit everywhere.

import { lstat, mkdir, open, readlink, realpath, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";
import { GitError, runGit, runGitText } from "./run-git.ts";

/** A base tree in a repository of ours. */
export type Base = {
  readonly gitDir: string;
  /** The parentless commit. */
  readonly commit: string;
  readonly tree: string;
};

export type BaseBundle = Base & { readonly bundleFile: string };

/** As much as the artifact store takes. */
const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;
const TREE_FILES_MAX = 200_000;
const LIST_BYTES_MAX = 64 * 1024 * 1024;

/** Part of the commit's identity: changing either changes every base commit. */
const COMMIT_DATE = "2020-01-01T00:00:00Z";
const COMMIT_MESSAGE = "base";

/**
 * Take the tree of a repository's HEAD into `folder`, as a repository of ours
 * and a bundle file. The user's repository is only read; changes that are not
 * committed are not part of the base. Throws `repository_not_found`, `not_a_repository`,
 * `repository_empty`, `object_format_unsupported`, `base_incomplete`,
 * `base_too_large`.
 */
export async function snapshotBase(repo: string, folder: string, signal?: AbortSignal): Promise<BaseBundle> {
  await assertFolder(repo);
  const source = { cwd: repo, signal };
  const objects = await runGitText(
    ["rev-parse", "--path-format=absolute", "--git-path", "objects"],
    source,
  ).catch((cause: unknown) => {
    if (!(cause instanceof GitError)) throw cause;
    throw new AutopilotError("not_a_repository", `${repo} is not a git repository. Make it one and commit.`, {
      cause,
    });
  });
  if ((await runGitText(["rev-parse", "--show-object-format"], source)) !== "sha1") {
    throw new AutopilotError(
      "object_format_unsupported",
      `${repo} does not name objects by sha1; others cannot travel.`,
    );
  }
  const tree = await runGitText(["rev-parse", "--verify", "--quiet", "HEAD^{tree}"], source).catch(
    (cause: unknown) => {
      if (!(cause instanceof GitError)) throw cause;
      throw new AutopilotError("repository_empty", `${repo} has no commit yet. Commit first.`, { cause });
    },
  );

  const gitDir = await initRepository(folder, signal);
  // Borrowed until the bundle is written, which takes what the tree needs and no more.
  const alternates = join(gitDir, "objects", "info", "alternates");
  await mkdir(dirname(alternates), { recursive: true });
  await writeFile(alternates, `${objects}\n`);
  const base = await bundleTree(gitDir, tree, folder, signal);
  // From here on the base must not change with the user's repository, however long the run waits.
  await runGit(["bundle", "unbundle", base.bundleFile], { cwd: folder, gitDir, signal });
  await rm(alternates);
  return base;
}

/** Never taken into a snapshot: other tools' own, and what installs anew. */
const LEFT_OUT = [".git", "node_modules", ".venv"];

const FOLDER_BYTES_MAX = 512 * 1024 * 1024;

/**
 * The same of a folder that is no repository: its files, without those that its
 * `.gitignore` leaves out, `.git`, `node_modules` and `.venv`. The folder is only
 * read. Throws `repository_not_found`, `repository_empty`, `nested_repository`,
 * `link_outside`, `base_too_large`.
 */
export async function snapshotFolder(dir: string, folder: string, signal?: AbortSignal): Promise<BaseBundle> {
  await assertFolder(dir);
  const gitDir = await initRepository(folder, signal);
  await mkdir(join(gitDir, "info"), { recursive: true });
  await writeFile(join(gitDir, "info", "exclude"), LEFT_OUT.map((name) => `${name}\n`).join(""));
  const own = { cwd: dir, gitDir, workTree: dir, indexFile: join(folder, "snapshot.index"), signal };
  const listed = await runGit(["ls-files", "--others", "--exclude-standard", "-z"], {
    ...own,
    outputBytesMax: LIST_BYTES_MAX,
  });
  const paths = listed.toString("utf8").split("\0").slice(0, -1);
  if (paths.length === 0) throw new AutopilotError("repository_empty", `${dir} has no files to work on.`);
  await assertFits(dir, paths);
  await runGit(["add", "--all", "."], own);
  const tree = await runGitText(["write-tree"], own);
  return bundleTree(gitDir, tree, folder, signal);
}

/** Before anything is read: what a snapshot would carry away, and how much. */
async function assertFits(dir: string, paths: readonly string[]): Promise<void> {
  const root = await realpath(dir);
  let bytes = 0;
  for (const path of paths) {
    // Git names a repository inside the folder with a slash, and would take none of its files.
    if (path.endsWith("/")) {
      throw new AutopilotError(
        "nested_repository",
        `${path} in ${dir} is a repository of its own. Leave it out by a .gitignore, or run on it alone.`,
      );
    }
    const found = await lstat(join(dir, path));
    bytes += found.size;
    if (!found.isSymbolicLink()) continue;
    const target = resolve(root, dirname(path), await readlink(join(dir, path)));
    if (target !== root && !target.startsWith(`${root}/`)) {
      throw new AutopilotError(
        "link_outside",
        `${path} in ${dir} is a link to outside of the folder. Remove it, or leave it out by a .gitignore.`,
      );
    }
  }
  if (paths.length > TREE_FILES_MAX || bytes > FOLDER_BYTES_MAX) {
    throw new AutopilotError(
      "base_too_large",
      `${dir} has ${paths.length} files and ${bytes} bytes; at most ${TREE_FILES_MAX} and ${FOLDER_BYTES_MAX} can travel. Leave files out by a .gitignore.`,
    );
  }
}

async function assertFolder(dir: string): Promise<void> {
  const isFolder = await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new AutopilotError("repository_not_found", `There is no folder ${dir}. Check the path.`);
}

/** Commit a tree without parents, and write the bundle file that carries it. */
async function bundleTree(
  gitDir: string,
  tree: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<BaseBundle> {
  const own = { cwd: folder, gitDir, signal };
  const commit = await runGitText(["commit-tree", tree, "-m", COMMIT_MESSAGE], {
    ...own,
    commitDate: COMMIT_DATE,
  });
  await runGit(["update-ref", "refs/heads/base", commit], own);
  const bundleFile = join(folder, "base.bundle");
  await runGit(["bundle", "create", "--quiet", bundleFile, "HEAD", "refs/heads/base"], own).catch(
    (cause: unknown) => {
      if (!(cause instanceof GitError)) throw cause;
      throw new AutopilotError(
        "base_incomplete",
        `The repository lacks objects of its own HEAD (a partial clone?): ${cause.detail}. Fetch them first.`,
        { cause },
      );
    },
  );
  const { size } = await stat(bundleFile);
  if (size > BUNDLE_BYTES_MAX) {
    throw new AutopilotError(
      "base_too_large",
      `The base takes ${size} bytes packed; at most ${BUNDLE_BYTES_MAX} can travel. Leave large files out of the tree.`,
    );
  }
  return { gitDir, commit, tree, bundleFile };
}

export type ExpectedBase = { readonly commit: string; readonly tree: string };

/**
 * Open a bundle file in a repository of ours inside `folder`, and check that it
 * holds exactly the expected commit and tree, without parents and within the
 * size. Throws `bundle_invalid`, `base_mismatch`, `tree_too_large`.
 */
export async function openBundle(
  bundleFile: string,
  folder: string,
  expected: ExpectedBase,
  treeBytesMax: number,
  signal?: AbortSignal,
): Promise<Base> {
  await assertBundle(bundleFile);
  const gitDir = await initRepository(folder, signal);
  const own = { cwd: folder, gitDir, signal };
  try {
    await runGit(["bundle", "unbundle", bundleFile], own);
    const commit = await runGitText(["cat-file", "commit", expected.commit], own);
    const [headers = ""] = commit.split("\n\n", 1);
    const lines = headers.split("\n");
    if (lines.some((line) => line.startsWith("parent "))) {
      throw new AutopilotError("base_mismatch", `Commit ${expected.commit} has a parent; a base has none.`);
    }
    if (lines[0] !== `tree ${expected.tree}`) {
      throw new AutopilotError(
        "base_mismatch",
        `Commit ${expected.commit} does not have the tree ${expected.tree}.`,
      );
    }
    await assertTreeFits(expected.tree, treeBytesMax, own);
  } catch (cause) {
    if (!(cause instanceof GitError)) throw cause;
    const message = `The bundle does not hold commit ${expected.commit} complete: ${cause.detail}`;
    throw new AutopilotError("bundle_invalid", message, { cause });
  }
  return { gitDir, commit: expected.commit, tree: expected.tree };
}

/** A small bundle can unfold to any size, so the sizes are read before anything is written out. */
async function assertTreeFits(
  tree: string,
  treeBytesMax: number,
  own: { readonly cwd: string; readonly gitDir: string; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const listed = await runGit(["ls-tree", "-r", "-l", "-z", tree], {
    ...own,
    outputBytesMax: LIST_BYTES_MAX,
  });
  const entries = listed.toString("utf8").split("\0").slice(0, -1);
  const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  if (entries.length > TREE_FILES_MAX || bytes > treeBytesMax) {
    throw new AutopilotError(
      "tree_too_large",
      `The tree has ${entries.length} files and ${bytes} bytes; at most ${TREE_FILES_MAX} and ${treeBytesMax} fit.`,
    );
  }
}

/** `<mode> <type> <id> <size>\t<path>`; a submodule has `-` for its size. */
function sizeOf(entry: string): number {
  const size = entry.slice(0, entry.indexOf("\t")).split(" ").at(-1) ?? "";
  return size === "-" ? 0 : Number(size);
}

/** Git would take much else that is not a bundle by a helpful guess. */
async function assertBundle(bundleFile: string): Promise<void> {
  await using file = await open(bundleFile, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(20), 0, 20, 0);
  if (!/^# v[23] git bundle\n/.test(buffer.subarray(0, bytesRead).toString("latin1"))) {
    throw new AutopilotError("bundle_invalid", "The base is not a git bundle.");
  }
}

async function initRepository(folder: string, signal: AbortSignal | undefined): Promise<string> {
  const gitDir = join(folder, "base.git");
  await runGit(["init", "--quiet", "--bare", "--template=", "--initial-branch=base", gitDir], {
    cwd: folder,
    signal,
  });
  return gitDir;
}
