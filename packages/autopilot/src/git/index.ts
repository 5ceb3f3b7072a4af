export {
  openBundle,
  snapshotBase,
  snapshotFolder,
  type Base,
  type BaseBundle,
  type ExpectedBase,
} from "./base-tree.ts";
export { listTree, readBlobs, type TreeItem } from "./read-tree.ts";
export { GitError, runGit, runGitText, type GitCall } from "./run-git.ts";
export {
  applyToWorkspace,
  checkOut,
  diffFolder,
  isInBase,
  listBaseFiles,
  patchedTree,
  readBaseFile,
  restoredTree,
} from "./tree.ts";
