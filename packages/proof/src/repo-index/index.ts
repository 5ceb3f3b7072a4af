export { checkIndex, type CheckedIndex, type IndexLimits, type IndexViolation } from "./check-index.ts";
export { describeContent } from "./content.ts";
export { INDEX_BYTES_MAX, REPO_INDEX, makeRepoIndex, type IndexEntry, type RepoIndex } from "./repo-index.ts";
export { treeIdOf } from "./tree-id.ts";
