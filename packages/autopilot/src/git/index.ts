export { openBundle, snapshotBase, type Base, type BaseBundle, type ExpectedBase } from "./base-tree.ts";
export { runGit, runGitText } from "./run-git.ts";
export { applyToWorkspace, checkOut, diffFolder, patchedTree, readBaseFile, restoredTree } from "./tree.ts";
