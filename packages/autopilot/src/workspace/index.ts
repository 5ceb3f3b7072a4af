export { writeBranch } from "./branch.ts";
export { parseSource, type Source } from "./source.ts";
export { makeWorkspace, openWorkspace, type BaseFacts, type Workspace } from "./workspace.ts";
