// Where an agent works: the base of a repository in a temporary folder. The
// user's own checkout is never written to.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentWorkspace, FileChange } from "@openagents/agent";
import { patchFiles } from "@openagents/proof";
import { applyToWorkspace, checkOut, diffFolder, snapshotBase, type BaseBundle } from "../git/index.ts";

export type Workspace = AgentWorkspace &
  AsyncDisposable & {
    readonly base: BaseBundle;
    /** What the agent changed so far, as a patch against the base. Empty when nothing. */
    diff(): Promise<Buffer>;
  };

/** Throws what `snapshotBase` throws. Disposing it removes every file of it. */
export async function openWorkspace(repo: string, signal: AbortSignal): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), "openagents-run-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const base = await snapshotBase(repo, folder, signal);
    const dir = join(folder, "work");
    await checkOut(base, dir, signal);
    return {
      dir,
      base,
      async applyPatch(patch) {
        await applyToWorkspace(base, dir, patch, signal);
        return patchFiles(patch.toString("utf8")).flatMap(changesOf);
      },
      diff: () => diffFolder(base, dir, signal),
      [Symbol.asyncDispose]: remove,
    };
  } catch (cause) {
    await remove();
    throw cause;
  }
}

function changesOf(file: ReturnType<typeof patchFiles>[number]): FileChange[] {
  if (file.status !== "renamed") return [{ path: file.path, change: file.status }];
  const added: FileChange = { path: file.path, change: "added" };
  return file.oldPath === undefined ? [added] : [{ path: file.oldPath, change: "deleted" }, added];
}
