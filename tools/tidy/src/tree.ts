// The repository as tidy sees it: its workspaces, their manifests and sources.
//
// Read once; the rules are pure functions of this.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Import, importsOf } from "./imports.ts";

export type Manifest = {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

export type Source = {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
  readonly isTest: boolean;
  readonly isGenerated: boolean;
  /** Code that writes code: run by developers, never part of what ships. */
  readonly isGenerator: boolean;
};

export type Workspace = {
  /** From the root: `packages/ledger`. */
  readonly folder: string;
  readonly manifest: Manifest;
  readonly sources: readonly Source[];
};

export type Tree = {
  readonly root: string;
  readonly rootManifest: Manifest;
  readonly workspaces: readonly Workspace[];
  /** Every file of the repository outside ignored folders. */
  readonly files: ReadonlySet<string>;
};

const SKIPPED_FOLDERS = new Set([".git", "node_modules", "output"]);
const CODE_FOLDERS = ["src", "tests"];

/** Reads the repository at `root`. Throws when a package.json is missing its name or is not JSON. */
export function readTree(root: string): Tree {
  const files = new Set(listFiles(root, ""));
  const folders = [...files]
    .filter((file) => /^(?:(?:apps|packages|tools)\/[^/]+|bench)\/package\.json$/.test(file))
    .map((file) => dirname(file))
    .sort();
  return {
    root,
    rootManifest: readManifest(root, "package.json"),
    workspaces: folders.map((folder) => ({
      folder,
      manifest: readManifest(root, `${folder}/package.json`),
      sources: [...files].filter((file) => isCode(folder, file)).map((file) => readSource(root, file)),
    })),
    files,
  };
}

function listFiles(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return SKIPPED_FOLDERS.has(entry.name) ? [] : listFiles(root, path);
  });
}

function isCode(folder: string, file: string): boolean {
  return /\.tsx?$/.test(file) && CODE_FOLDERS.some((code) => file.startsWith(`${folder}/${code}/`));
}

function readSource(root: string, path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  return {
    path,
    lines: text.split("\n"),
    imports: importsOf(text),
    isTest: /\.test\.tsx?$/.test(path) || path.split("/").includes("tests"),
    isGenerated: path.includes("/src/gen/"),
    isGenerator: path.includes("/src/generate/"),
  };
}

function readManifest(root: string, file: string): Manifest {
  const json: unknown = JSON.parse(readFileSync(join(root, file), "utf8"));
  if (typeof json !== "object" || json === null || !("name" in json) || typeof json.name !== "string") {
    throw new Error(`${file} has no name`);
  }
  const versions = (field: string): Record<string, string> => {
    const value: unknown = Object.entries(json).find(([key]) => key === field)?.[1];
    if (typeof value !== "object" || value === null) return {};
    return Object.fromEntries(Object.entries(value).map(([name, version]) => [name, String(version)]));
  };
  return {
    name: json.name,
    dependencies: versions("dependencies"),
    devDependencies: versions("devDependencies"),
    optionalDependencies: versions("optionalDependencies"),
    peerDependencies: versions("peerDependencies"),
  };
}
