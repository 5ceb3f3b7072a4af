// No file imports itself through others, also not by types alone: a cycle means
// that two files are one noun, or that a third wants to be born.

import { dirname, posix } from "node:path";
import type { Source, Tree } from "../tree.ts";
import type { Violation } from "../violation.ts";

/** One violation per cycle, at its first file in order of path. */
export function checkCycles(tree: Tree): Violation[] {
  const sources = new Map(tree.workspaces.flatMap((w) => w.sources.map((source) => [source.path, source])));
  const done = new Set<string>();
  const cycles = new Map<string, readonly string[]>();
  for (const path of [...sources.keys()].sort()) visit(path, sources, [], done, cycles);
  return [...cycles.values()].map((cycle) => ({
    rule: "cycles",
    file: cycle[0] ?? "",
    problem: `imports go in a circle: ${[...cycle, cycle[0] ?? ""].join(" → ")}.`,
  }));
}

function visit(
  path: string,
  sources: ReadonlyMap<string, Source>,
  trail: readonly string[],
  done: Set<string>,
  cycles: Map<string, readonly string[]>,
): void {
  const start = trail.indexOf(path);
  if (start !== -1) {
    const cycle = fromSmallest(trail.slice(start));
    cycles.set(cycle.join("\n"), cycle);
    return;
  }
  const source = sources.get(path);
  if (source === undefined || done.has(path)) return;
  for (const { specifier } of source.imports) {
    if (!specifier.startsWith(".")) continue;
    visit(posix.normalize(`${dirname(path)}/${specifier}`), sources, [...trail, path], done, cycles);
  }
  done.add(path);
}

/** The same circle always reads the same, wherever the walk entered it. */
function fromSmallest(cycle: readonly string[]): string[] {
  const first = cycle.indexOf([...cycle].sort()[0] ?? "");
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
