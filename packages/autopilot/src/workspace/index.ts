export { isOriginHere, writeBranch } from "./branch.ts";
export { fetchCommit, pushBranch } from "./push-branch.ts";
export { parseSource, type Source } from "./source.ts";
export {
  cloneFolder,
  makeWorkspace,
  openWorkspace,
  restoreWorkspace,
  takeBase,
  type BaseFacts,
  type Workspace,
} from "./workspace.ts";
