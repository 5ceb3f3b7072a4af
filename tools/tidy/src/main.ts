// House rules that the compiler and the linter do not know. Exit 1 when one is broken.

import { dirname } from "node:path";
import { checkTree, formatViolation, readTree, sizeOutliers } from "./index.ts";

const root = process.argv[2] ?? dirname(dirname(dirname(import.meta.dirname)));
const tree = readTree(root);
const violations = checkTree(tree);

for (const violation of violations) console.log(formatViolation(violation));
for (const { place, lines } of sizeOutliers(tree))
  console.log(`${place}  ${lines} lines: worth a talk, not a failure`);

const sources = tree.workspaces.reduce((sum, workspace) => sum + workspace.sources.length, 0);
console.log(
  `tidy: ${sources} files in ${tree.workspaces.length} workspaces, ${violations.length} broken rules`,
);
process.exitCode = violations.length === 0 ? 0 : 1;
