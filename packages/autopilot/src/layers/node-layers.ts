// The layers of a JavaScript project: every `node_modules` that a clean install
// of its lock file makes.

import { lstatSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NODE_CACHES, findLinkGoal, type BuiltLayer, type LayerRequest } from "./layer.ts";
import type { NodeProject } from "./node-project.ts";
import { npmProject } from "./npm-project.ts";
import { packFolder } from "./pack-folder.ts";
import { pnpmProject } from "./pnpm-project.ts";
import {
  copyProjectFiles,
  objectOf,
  parseProjectJson,
  readProjectFile,
  refuse,
  textOf,
} from "./project-files.ts";
import { runTool } from "./run-tool.ts";

/** What installers note for themselves: addresses, times, and places of the machine. */
const NOTES = [
  ".package-lock.json",
  ".modules.yaml",
  ".pnpm-workspace-state.json",
  ".pnpm-workspace-state-v1.json",
];

/** None without a package.json or without dependencies. */
export async function buildNodeLayers(
  dir: string,
  names: ReadonlySet<string>,
  request: LayerRequest,
): Promise<BuiltLayer[]> {
  const text = readProjectFile(dir, "package.json");
  if (text === undefined) return [];
  const manifest = parseProjectJson(text, "package.json");
  const project = findProject(dir, names, manifest, request.allowScripts);
  if (project === undefined) return [];
  request.say(`installing the locked dependencies with ${project.kind}`);
  const into = join(request.scratch, project.kind);
  await prepare(dir, project, into, request.allowScripts);
  await runTool(project.command, {
    cwd: into,
    scratch: request.scratch,
    install: project.install,
    next: `See that ${project.command.slice(0, 2).join(" ")} passes in a clean checkout, and that the lock file is committed.`,
    signal: request.signal,
  });
  return packAll(into, project, manifest, request);
}

function findProject(
  dir: string,
  names: ReadonlySet<string>,
  manifest: Readonly<Record<string, unknown>>,
  allowScripts: boolean,
): NodeProject | undefined {
  const manager = textOf(manifest["packageManager"]);
  const hasNpm = names.has("package-lock.json") || names.has("npm-shrinkwrap.json");
  if (names.has("pnpm-lock.yaml") && (!hasNpm || manager.startsWith("pnpm")))
    return pnpmProject(dir, manifest, allowScripts);
  if (hasNpm) return npmProject(dir, names, allowScripts);
  const lists = ["dependencies", "devDependencies", "optionalDependencies"];
  if (
    !("workspaces" in manifest) &&
    lists.every((list) => Object.keys(objectOf(manifest[list])).length === 0)
  )
    return undefined;
  const other = ["yarn.lock", "bun.lock", "bun.lockb"].find((name) => names.has(name));
  const problem =
    other === undefined ? "package.json has dependencies and no lock file" : `${other} is not supported yet`;
  return refuse(problem, "Run npm install --package-lock-only and commit package-lock.json.");
}

async function prepare(
  dir: string,
  project: NodeProject,
  into: string,
  allowScripts: boolean,
): Promise<void> {
  await mkdir(into, { recursive: true });
  if (allowScripts) {
    // The project's own scripts may need any of its files.
    const isCopied = (path: string) => !/(?:^|\/)(?:node_modules|\.git)$/.test(path.slice(dir.length));
    await cp(dir, into, { recursive: true, verbatimSymlinks: true, filter: isCopied });
  }
  const manifests = project.folders.map((folder) => below(folder, "package.json"));
  await copyProjectFiles(dir, [...manifests, ...project.files], into);
  for (const [name, text] of Object.entries(project.settings)) await writeFile(join(into, name), text);
}

async function packAll(
  into: string,
  { kind, folders }: NodeProject,
  manifest: Readonly<Record<string, unknown>>,
  request: LayerRequest,
): Promise<BuiltLayer[]> {
  const layers: BuiltLayer[] = [];
  for (const folder of folders.toSorted()) {
    const path = below(folder, "node_modules");
    if (lstatSync(join(into, path), { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    const place = { kind, path };
    const tar = await packFolder(join(into, path), {
      without: [...NOTES, ...NODE_CACHES],
      keepsLink: (link, target) => {
        const goal = findLinkGoal(place, link, target);
        return (
          goal !== undefined &&
          [path, ...folders].some((kept) => kept !== "" && (goal === kept || goal.startsWith(`${kept}/`)))
        );
      },
      signal: request.signal,
    });
    request.say(`packed ${path} (${tar.length} bytes)`);
    layers.push({ ...place, tar, toolchains: [{ name: "node", versionMin: nodeVersionMin(manifest) }] });
  }
  return layers;
}

/** What the project asks for; the oldest release that is still in use when it says nothing that we read. */
function nodeVersionMin(manifest: Readonly<Record<string, unknown>>): string {
  const engines = textOf(objectOf(manifest["engines"])["node"]);
  return /^\s*(?:>=|\^|~)?\s*v?(\d{1,6}(?:\.\d{1,6}){0,2})(?:\.x)?\s*(?:$|<|\|\|)/.exec(engines)?.[1] ?? "18";
}

function below(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}
