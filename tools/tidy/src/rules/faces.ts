// Imports go through public faces.
//
// Across packages: only by name, never a file inside. Within a package: a
// folder that has an `index.ts` is entered through it. Tests may reach inside
// their own package. Relative specifiers end in `.ts`, because Node runs the
// sources as they are and would not find `./x.js`.

import { dirname, posix } from "node:path";
import type { Source, Tree, Workspace } from "../tree.ts";
import type { Violation } from "../violation.ts";
import { SCOPE } from "./layers.ts";

const RUNNABLE = /\.(?:ts|tsx|json|css)$/;

export function checkFaces(tree: Tree): Violation[] {
  return tree.workspaces.flatMap((workspace) =>
    workspace.sources.flatMap((source) =>
      source.imports.flatMap(({ specifier, line }) => {
        const problem = refusal(tree, workspace, source, specifier);
        return problem === undefined ? [] : [{ rule: "faces", file: source.path, line, problem }];
      }),
    ),
  );
}

function refusal(tree: Tree, workspace: Workspace, source: Source, specifier: string): string | undefined {
  if (specifier.startsWith(SCOPE)) {
    return specifier.split("/").length > 2
      ? `"${specifier}" reaches inside a package; import its face.`
      : undefined;
  }
  if (!specifier.startsWith(".")) return undefined;
  if (!RUNNABLE.test(specifier)) return `"${specifier}" must end in .ts: Node runs the sources as they are.`;
  const target = posix.normalize(`${dirname(source.path)}/${specifier}`);
  if (!target.startsWith(`${workspace.folder}/`)) {
    return `"${specifier}" leaves ${workspace.folder}; import another package by its name.`;
  }
  if (!tree.files.has(target)) return `"${specifier}" names no file.`;
  if (source.isTest) return undefined;
  const face = outermostFace(tree, workspace, source.path, target);
  return face === undefined || face === target
    ? undefined
    : `"${specifier}" reaches past ${face}; import that face.`;
}

/** The index.ts of the outermost folder that holds the target, not the importer, and has a face. */
function outermostFace(tree: Tree, workspace: Workspace, from: string, target: string): string | undefined {
  const src = `${workspace.folder}/src/`;
  // Generated code mirrors the contract's files; it has no insides to protect.
  if (target.startsWith(`${src}gen/`)) return undefined;
  if (!target.startsWith(src)) return undefined;
  const folders = target.slice(src.length).split("/").slice(0, -1);
  for (let depth = 1; depth <= folders.length; depth++) {
    const folder = `${src}${folders.slice(0, depth).join("/")}/`;
    if (!from.startsWith(folder) && tree.files.has(`${folder}index.ts`)) return `${folder}index.ts`;
  }
  return undefined;
}
