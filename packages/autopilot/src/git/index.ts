export { openBundle, snapshotBase, type Base, type BaseBundle, type ExpectedBase } from "./base-tree.ts";
export { runGit, runGitText } from "./run-git.ts";
export {
  applyToFolder,
  applyToWorkspace,
  checkOut,
  diffFolder,
  patchedTree,
  type PatchPart,
} from "./tree.ts";
