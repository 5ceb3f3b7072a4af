// Files and functions that have grown past the feel of the house. Printed so
// that someone talks about them; never a failure, because a long straight
// function in one voice beats six fragments.

import type { Source, Tree } from "./tree.ts";

export const FILE_LINES_TALK = 250;
export const FUNCTION_LINES_TALK = 50;

export type Outlier = { readonly place: string; readonly lines: number };

/** Outliers of hand-written source, longest first. */
export function sizeOutliers(tree: Tree): Outlier[] {
  return tree.workspaces
    .flatMap((workspace) => workspace.sources)
    .filter((source) => !source.isGenerated && !source.isTest)
    .flatMap((source) => [...longFile(source), ...longFunctions(source)])
    .sort((a, b) => b.lines - a.lines || (a.place < b.place ? -1 : 1));
}

function longFile(source: Source): Outlier[] {
  const lines = source.lines.length - (source.lines.at(-1) === "" ? 1 : 0);
  return lines > FILE_LINES_TALK ? [{ place: source.path, lines }] : [];
}

/** Rough on purpose: in formatted code a function ends at the first brace as deep as its first line. */
function longFunctions(source: Source): Outlier[] {
  return source.lines.flatMap((line, start) => {
    const header = /^(\s*)(?:export )?(?:default )?(?:async )?function\*? (\w+)/.exec(line);
    if (header === null) return [];
    const [, indent = "", name = ""] = header;
    const end = source.lines.findIndex((other, at) => at > start && other.startsWith(`${indent}}`));
    const lines = end - start + 1;
    return lines > FUNCTION_LINES_TALK ? [{ place: `${source.path}:${start + 1} ${name}()`, lines }] : [];
  });
}
