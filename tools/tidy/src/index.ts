import { checkCycles } from "./rules/cycles.ts";
import { checkDependencies } from "./rules/dependencies.ts";
import { checkFaces } from "./rules/faces.ts";
import { checkLayers } from "./rules/layers.ts";
import { checkNames } from "./rules/names.ts";
import type { Tree } from "./tree.ts";
import { formatViolation, type Violation } from "./violation.ts";

export { importsOf } from "./imports.ts";
export { sizeOutliers } from "./sizes.ts";
export { readTree } from "./tree.ts";
export { formatViolation, type Violation };

/** Every breach of the house rules in the tree, in order of place; empty when tidy. */
export function checkTree(tree: Tree): Violation[] {
  const rules = [checkLayers, checkFaces, checkCycles, checkNames, checkDependencies];
  return rules
    .flatMap((rule) => rule(tree))
    .sort((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file < b.file ? -1 : 1));
}
