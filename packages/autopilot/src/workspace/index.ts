export { pushBranch } from "./push-branch.ts";
export { writeBranch } from "./branch.ts";
export { parseSource, type Source } from "./source.ts";
export { cloneFolder, makeWorkspace, openWorkspace, type BaseFacts, type Workspace } from "./workspace.ts";
