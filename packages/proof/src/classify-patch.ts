// What a patch's files are to the check: tests, its configuration, or source.

import type { CheckConfig } from "./check-config.ts";
import { isCheckConfigPath, isTestPath } from "./check-paths.ts";
import type { PatchFile } from "./patch-files.ts";
import { standsBefore } from "./stands-before.ts";

export type PatchClassification = {
  /**
   * Test files of the patch, each by its path after the patch, in the patch's
   * order: what the base leg adds to the base.
   */
  readonly testPaths: readonly string[];
  /** Test files that were there before: modified, deleted, or renamed from or to. */
  readonly existingTestPaths: readonly string[];
  /** Those of them that are gone after the patch, deleted or renamed, by their path on the base. */
  readonly removedTestPaths: readonly string[];
  /**
   * Files that say how checks are built, found, or run, or that the check starts,
   * one may be a test too; and source that names a test runner.
   */
  readonly checkConfigPaths: readonly string[];
  /**
   * Tests, scripts and configuration that were there before, by their path on the
   * base, sorted, each once: what the guard leg puts back.
   */
  readonly guardPaths: readonly string[];
  /** All others. */
  readonly sourcePaths: readonly string[];
  /** Those of them with an added line that can end the process. */
  readonly endingPaths: readonly string[];
};

/**
 * Pure; the same files, configuration and check paths give the same lists. The
 * configuration must be the base's. `checkPaths` are the files of the base that
 * the check's commands start: what they are decides as much as the commands, so
 * they are configuration whatever the table and the repository call them, and so
 * is a new file that would be found in place of one. A renamed file counts as
 * what either of its names is.
 */
export function classifyPatch(
  files: readonly PatchFile[],
  config?: CheckConfig,
  checkPaths: readonly string[] = [],
): PatchClassification {
  const started = new Set(checkPaths);
  const decides = (path: string) => started.has(path) || isCheckConfigPath(path, config);
  const testPaths: string[] = [];
  const existingTestPaths: string[] = [];
  const removedTestPaths: string[] = [];
  const checkConfigPaths: string[] = [];
  const guardPaths = new Set<string>();
  const sourcePaths: string[] = [];
  const endingPaths: string[] = [];
  for (const { path, oldPath, status, namesRunner, endsProcess } of files) {
    const names = oldPath === undefined ? [path] : [path, oldPath];
    const isTest = names.some((name) => isTestPath(name, config));
    const isConfig =
      names.some(decides) ||
      (namesRunner === true && !isTest) ||
      // A changed file was found, or not, before the patch too.
      (status !== "modified" && checkPaths.some((started) => standsBefore(path, started)));
    if (isTest) testPaths.push(path);
    if (isTest && status !== "added") existingTestPaths.push(path);
    if (isConfig) checkConfigPaths.push(path);
    if (!isTest && !isConfig) sourcePaths.push(path);
    if (!isTest && !isConfig && endsProcess === true) endingPaths.push(path);

    if (status === "added") continue;
    const before = oldPath ?? path;
    const wasTest = isTestPath(before, config);
    if (wasTest && status !== "modified") removedTestPaths.push(before);
    if (wasTest || decides(before)) guardPaths.add(before);
  }
  return {
    testPaths,
    existingTestPaths,
    removedTestPaths,
    checkConfigPaths,
    guardPaths: [...guardPaths].sort(),
    sourcePaths,
    endingPaths,
  };
}
