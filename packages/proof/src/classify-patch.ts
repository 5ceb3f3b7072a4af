// What a patch's files are to the check: tests, its configuration, or source.

import { isCheckConfigPath, isTestPath } from "./check-paths.ts";
import type { PatchFile } from "./patch-files.ts";

export type PatchClassification = {
  /**
   * Test files of the patch, each by its path after the patch, in the patch's
   * order: what the base leg adds to the base.
   */
  readonly testPaths: readonly string[];
  /** Test files that were there before: modified, deleted, or renamed from or to. */
  readonly existingTestPaths: readonly string[];
  /** Files that say how checks are built, found, or run; one may be a test too. */
  readonly checkConfigPaths: readonly string[];
  /** All others. */
  readonly sourcePaths: readonly string[];
};

/** Pure; the same files give the same lists. A renamed file counts as what either of its names is. */
export function classifyPatch(files: readonly PatchFile[]): PatchClassification {
  const testPaths: string[] = [];
  const existingTestPaths: string[] = [];
  const checkConfigPaths: string[] = [];
  const sourcePaths: string[] = [];
  for (const { path, oldPath, status } of files) {
    const names = oldPath === undefined ? [path] : [path, oldPath];
    const isTest = names.some(isTestPath);
    const isConfig = names.some(isCheckConfigPath);
    if (isTest) testPaths.push(path);
    if (isTest && status !== "added") existingTestPaths.push(path);
    if (isConfig) checkConfigPaths.push(path);
    if (!isTest && !isConfig) sourcePaths.push(path);
  }
  return { testPaths, existingTestPaths, checkConfigPaths, sourcePaths };
}
