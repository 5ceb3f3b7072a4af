// What is imported is declared, and what is declared is pinned.
//
// A version range would let two clones of one commit run different code. Tests
// may also use the root's development tools and `@openagents/testing`; declaring
// the latter everywhere would make a circle of packages (testing needs postgres,
// and the tests of postgres need testing). Code that writes code counts as a test here.

import type { Manifest, Tree, Workspace } from "../tree.ts";
import type { Violation } from "../violation.ts";
import { SCOPE } from "./layers.ts";

const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

export function checkDependencies(tree: Tree): Violation[] {
  const manifests = [
    { file: "package.json", manifest: tree.rootManifest },
    ...tree.workspaces.map(({ folder, manifest }) => ({ file: `${folder}/package.json`, manifest })),
  ];
  return [
    ...manifests.flatMap(({ file, manifest }) => loosePins(file, manifest)),
    ...tree.workspaces.flatMap((workspace) => undeclared(tree, workspace)),
  ];
}

function loosePins(file: string, manifest: Manifest): Violation[] {
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => ({
      rule: "pins",
      file,
      problem: `${name} is "${version}"; pin one exact version.`,
    }));
}

function undeclared(tree: Tree, { manifest, sources }: Workspace): Violation[] {
  const forSource = new Set([
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.optionalDependencies),
    ...Object.keys(manifest.peerDependencies),
  ]);
  const forDevelopers = new Set([
    ...forSource,
    ...Object.keys(manifest.devDependencies),
    ...Object.keys(tree.rootManifest.devDependencies),
    `${SCOPE}testing`,
    manifest.name,
  ]);
  return sources.flatMap((source) =>
    source.imports.flatMap(({ specifier, line }) => {
      if (specifier.startsWith(".") || specifier.startsWith("node:")) return [];
      const name = packageName(specifier);
      if ((source.isTest || source.isGenerator ? forDevelopers : forSource).has(name)) return [];
      return [
        {
          rule: "dependencies",
          file: source.path,
          line,
          problem: `${name} is not declared in ${manifest.name}.`,
        },
      ];
    }),
  );
}

function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
