// What an installer of JavaScript packages is given and asked.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { isPathBelow } from "./layer.ts";
import { refuse } from "./project-files.ts";

export type NodeProject = {
  readonly kind: "npm" | "pnpm";
  /** Folders of the repository with a manifest, "" for the root. */
  readonly folders: readonly string[];
  /** Files beside the manifests that the installer needs. */
  readonly files: readonly string[];
  /** Written for the installer in place of the repository's own. */
  readonly settings: Readonly<Record<string, string>>;
  readonly command: readonly [string, ...string[]];
  readonly install: string;
};

/** Folders that a lock file names have to be in the repository. */
export function checkedFolder(dir: string, folder: string): string {
  if (folder !== "" && (!isPathBelow(folder) || !existsSync(join(dir, folder))))
    refuse(`the lock file names the folder ${JSON.stringify(folder)}, which is not in the repository`);
  return folder;
}
