// Who may import whom among our workspaces.
//
// A workspace imports only from earlier rows. A new one takes its place here
// first: the row is a decision about architecture, not a detail. A test may
// enter its own package by name, as a stranger would.

import type { Tree } from "../tree.ts";
import type { Violation } from "../violation.ts";

export const SCOPE = "@openagents/";

const LAYERS: readonly (readonly string[])[] = [
  ["contracts", "receipts", "proof", "tidy"],
  ["agent", "lightning", "postgres", "sandbox", "service", "streams"],
  ["spacetime"],
  ["ui"],
  ["l402", "ledger"],
  ["authority"],
  ["autopilot"],
  ["runtime", "control"],
  ["simulation", "stack", "testing"],
  ["cli", "bench"],
];

// Holds fixtures and fakes: tests everywhere may import it, nothing that ships may.
const TESTING = "testing";

export function checkLayers(tree: Tree): Violation[] {
  const violations: Violation[] = [];
  for (const { folder, manifest, sources } of tree.workspaces) {
    const name = shortName(manifest.name);
    const layer = layerOf(name);
    if (layer === -1) {
      violations.push({
        rule: "layers",
        file: `${folder}/package.json`,
        problem: `${manifest.name} has no layer; give it one in tools/tidy/src/rules/layers.ts.`,
      });
      continue;
    }
    for (const source of sources) {
      for (const { specifier, line } of source.imports) {
        if (!specifier.startsWith(SCOPE)) continue;
        const other = shortName(specifier);
        const problem = refusal(name, layer, other, source.isTest);
        if (problem !== undefined) violations.push({ rule: "layers", file: source.path, line, problem });
      }
    }
  }
  return violations;
}

function refusal(name: string, layer: number, other: string, isTest: boolean): string | undefined {
  if (other === TESTING) {
    return isTest
      ? undefined
      : "source never imports testing; move what is needed, or move this into a test.";
  }
  const otherLayer = layerOf(other);
  if (otherLayer === -1) return `${SCOPE}${other} has no layer.`;
  if (name === other) {
    if (isTest) return undefined;
    return "a package imports its own files by relative path, not by its name.";
  }
  if (otherLayer < layer) return undefined;
  return `${name} may not import ${other}: imports go from later layers to earlier ones.`;
}

function layerOf(name: string): number {
  return LAYERS.findIndex((layer) => layer.includes(name));
}

function shortName(specifier: string): string {
  return specifier.slice(SCOPE.length).split("/", 1).join("");
}
