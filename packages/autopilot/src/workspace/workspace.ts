// Where an agent works: the base of a project in a folder of the run's own, kept
// until the run has ended, so that a resumed run finds what was done. The user's
// own checkout is never written to.

import { existsSync } from "node:fs";
import { lstat, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentWorkspace, FileChange } from "@openagents/agent";
import { patchFiles } from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import {
  applyToWorkspace,
  checkOut,
  diffFolder,
  openBundle,
  runGit,
  runGitText,
  snapshotBase,
  snapshotFolder,
  type BaseBundle,
} from "../git/index.ts";
import type { Source } from "./source.ts";

/** What a workspace rests on. */
export type BaseFacts = {
  /** The parentless commit, which is in the bundle. */
  readonly commit: string;
  readonly tree: string;
  /** The user's own repository and its HEAD; absent for a plain folder and for a clone of ours. */
  readonly origin?: { readonly repo: string; readonly head: string };
  /** HEAD of the clone of ours, from an address, which is kept beside the files until the run has ended. */
  readonly cloneHead?: string;
  /** Files that the user changed and did not commit. They are not part of the base. */
  readonly uncommitted: number;
};

export type Workspace = AgentWorkspace & {
  readonly base: BaseBundle;
  /** What the agent changed so far, as a patch against the base. Empty when nothing. */
  diff(): Promise<Buffer>;
};

const CLONE_MS_MAX = 600_000;

/** As large a tree as the disk limit of any job lets be checked. */
const RESTORED_BYTES_MAX = 8 * 1024 * 1024 * 1024;

/**
 * Make the workspace in `folder`; what an earlier try left there is removed.
 * Throws what `snapshotBase` and `snapshotFolder` throw, and `clone_failed`.
 */
export async function makeWorkspace(source: Source, folder: string, signal: AbortSignal): Promise<BaseFacts> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  const { base, ...facts } = await takeBase(source, partial, signal);
  await checkOut(base, join(partial, "files"), signal);
  await rename(partial, folder);
  return { commit: base.commit, tree: base.tree, ...facts };
}

/** Make the workspace of another machine again in `folder`, from its base's bundle. Throws what `openBundle` throws. */
export async function restoreWorkspace(
  bundle: Buffer,
  facts: BaseFacts,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  const bundleFile = join(partial, "base.bundle");
  await writeFile(bundleFile, bundle, { mode: 0o600 });
  const base = await openBundle(bundleFile, partial, facts, RESTORED_BYTES_MAX, signal);
  await checkOut(base, join(partial, "files"), signal);
  await rename(partial, folder);
}

/**
 * Open a workspace that was made. What is new at or below a path of `leftOut` is
 * no change of the agent's. Throws `workspace_lost` when it is not there.
 */
export async function openWorkspace(
  folder: string,
  facts: BaseFacts,
  signal: AbortSignal,
  leftOut: readonly string[] = [],
): Promise<Workspace> {
  const dir = join(folder, "files");
  const base: BaseBundle = {
    gitDir: join(folder, "base.git"),
    bundleFile: join(folder, "base.bundle"),
    commit: facts.commit,
    tree: facts.tree,
  };
  const whole = await Promise.all([dir, base.gitDir, base.bundleFile].map((path) => lstat(path))).then(
    ([files, repository, bundle]) => files?.isDirectory() && repository?.isDirectory() && bundle?.isFile(),
    () => false,
  );
  if (whole !== true) {
    throw new AutopilotError(
      "workspace_lost",
      `The run's workspace ${folder} is gone. Cancel the run, and start another.`,
    );
  }
  return {
    dir,
    base,
    async applyPatch(patch) {
      await applyToWorkspace(base, dir, patch, signal);
      return patchFiles(patch.toString("utf8")).flatMap(changesOf);
    },
    diff: () => diffFolder(base, dir, signal, leftOut),
  };
}

type Taken = { readonly base: BaseBundle } & Pick<BaseFacts, "origin" | "cloneHead" | "uncommitted">;

/** The clone that a workspace made from an address. */
export function cloneFolder(folder: string): string {
  return join(folder, "clone.git");
}

/** The base of a source in `folder`, with what it came from. Throws what `makeWorkspace` throws. */
export async function takeBase(source: Source, folder: string, signal: AbortSignal): Promise<Taken> {
  if (source.kind === "url") {
    const clone = cloneFolder(folder);
    await cloneInto(clone, source, signal);
    const base = await snapshotBase(clone, folder, signal);
    const cloneHead = await runGitText(["rev-parse", "--verify", "HEAD^{commit}"], { cwd: clone, signal });
    return { base, cloneHead, uncommitted: 0 };
  }
  if (!(await isRepository(source.path, signal))) {
    return { base: await snapshotFolder(source.path, folder, signal), uncommitted: 0 };
  }
  const base = await snapshotBase(source.path, folder, signal);
  const head = await runGitText(["rev-parse", "--verify", "HEAD^{commit}"], { cwd: source.path, signal });
  const uncommitted = await countUncommitted(source.path, signal);
  return { base, origin: { repo: source.path, head }, uncommitted };
}

async function cloneInto(
  clone: string,
  source: Extract<Source, { kind: "url" }>,
  signal: AbortSignal,
): Promise<void> {
  const { url, network } = source;
  const call = { cwd: "/", network, wallMsMax: CLONE_MS_MAX, signal };
  await runGit(
    ["clone", "--quiet", "--bare", "--depth=1", "--no-tags", "--template=", "--", url, clone],
    call,
  ).catch((cause: unknown) => {
    signal.throwIfAborted();
    if (!(cause instanceof AutopilotError) || cause.code === "git_missing") throw cause;
    throw new AutopilotError("clone_failed", `${url} could not be cloned: ${cause.message}`, { cause });
  });
}

/** A folder inside of a repository that ignores it is a plain folder. */
async function isRepository(dir: string, signal: AbortSignal): Promise<boolean> {
  // Without the folder, git could not be started in it either; snapshots say which it is.
  if (!existsSync(dir)) return false;
  try {
    const top = await runGitText(["rev-parse", "--is-inside-work-tree", "--is-bare-repository"], {
      cwd: dir,
      signal,
    });
    if (top !== "true\nfalse") return top === "false\ntrue";
    return !(await succeeds(["check-ignore", "--quiet", "."], dir, signal));
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof AutopilotError && cause.code === "git_failed") return false;
    throw cause;
  }
}

async function succeeds(args: readonly string[], cwd: string, signal: AbortSignal): Promise<boolean> {
  return runGit(args, { cwd, signal }).then(
    () => true,
    () => false,
  );
}

/** Filters that the repository's own configuration names would run; each is made to do nothing. */
async function countUncommitted(repo: string, signal: AbortSignal): Promise<number> {
  const call = { cwd: repo, signal };
  const named = await runGitText(["config", "--name-only", "--get-regexp", "^filter\\."], call).catch(
    () => "",
  );
  const filters = named
    .split("\n")
    .flatMap((name) => /^(filter\..+)\.(?:clean|smudge|process|required)$/.exec(name)?.[1] ?? []);
  const settings = [...new Set(filters)].flatMap((name) =>
    ["clean=", "smudge=", "process=", "required=false"].flatMap((setting) => ["-c", `${name}.${setting}`]),
  );
  const status = [
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=normal",
    "--ignore-submodules=all",
    "--no-renames",
  ];
  const bare = (await runGitText(["rev-parse", "--is-bare-repository"], call)) === "true";
  if (bare) return 0;
  const listed = await runGit([...settings, ...status], call);
  return listed.toString("utf8").split("\0").length - 1;
}

function changesOf(file: ReturnType<typeof patchFiles>[number]): FileChange[] {
  if (file.status !== "renamed") return [{ path: file.path, change: file.status }];
  const added: FileChange = { path: file.path, change: "added" };
  return file.oldPath === undefined ? [added] : [{ path: file.oldPath, change: "deleted" }, added];
}
