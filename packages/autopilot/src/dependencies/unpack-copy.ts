// The agent's own copy of a layer. What a provider gets is the archive, by its
// hash, so nothing that happens to the copy reaches one.
//
// Node looks for what a package needs in the folders around its real place. So
// the copies lie to each other as the layers do in the project, and their links
// into the project lead into the workspace.

import { lstat, mkdir, readdir, readlink, realpath, rename, rm, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { findLinkGoal, openLayer, type LayerPlace } from "../layers/index.ts";

/** Where the copy of a layer is, below the folder of all copies. */
export function copyOf({ kind, path }: LayerPlace, folder: string): string {
  return join(folder, kind, path);
}

/** Unpack a layer where its copy belongs, unless it is there. Throws `layer_invalid`. */
export async function unpackCopy(
  layer: LayerPlace,
  readTar: () => Promise<Buffer>,
  folder: string,
  workspaceDir: string,
  signal: AbortSignal,
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const copy = copyOf(layer, await realpath(folder));
  if ((await lstat(copy).catch(() => undefined)) !== undefined) return copy;
  const staged = `${folder}.partial`;
  await rm(staged, { recursive: true, force: true });
  const { mount } = await openLayer(layer, await readTar(), staged, signal);
  if (layer.kind !== "pip") await leadIntoWorkspace(layer, mount.source, copy, workspaceDir);
  await mkdir(dirname(copy), { recursive: true });
  // Last, so that a copy that is there is whole.
  await rename(mount.source, copy);
  await rm(staged, { recursive: true, force: true });
  return copy;
}

/** Links to packages of the project itself, which are not in the layer. */
async function leadIntoWorkspace(
  layer: LayerPlace,
  unpacked: string,
  copy: string,
  workspaceDir: string,
): Promise<void> {
  for (const entry of await readdir(unpacked, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(relative(unpacked, entry.parentPath), entry.name);
    const goal = findLinkGoal(layer, path, await readlink(join(unpacked, path)));
    if (goal === undefined || goal === layer.path || goal.startsWith(`${layer.path}/`)) continue;
    await rm(join(unpacked, path));
    await symlink(relative(dirname(join(copy, path)), join(workspaceDir, goal)), join(unpacked, path));
  }
}
