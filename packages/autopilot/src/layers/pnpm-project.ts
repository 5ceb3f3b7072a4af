// What `pnpm install` is given, read from a pnpm-lock.yaml. The file is written
// by pnpm in one fixed layout, so its few facts that we need are read by lines.

import { checkedFolder, type NodeProject } from "./node-project.ts";
import { objectOf, readProjectFile, refuse, textOf } from "./project-files.ts";

const WORKSPACE = "pnpm-workspace.yaml";

/** Members of a pnpm-workspace.yaml that say what is installed; others, which can name programs, stay behind. */
const MEMBERS = ["packages", "catalog", "catalogs", "overrides", "packageExtensions", "autoInstallPeers"];

/** Undefined when the lock file installs nothing. Throws `layer_unsupported`. */
export function pnpmProject(
  dir: string,
  manifest: Readonly<Record<string, unknown>>,
  allowScripts: boolean,
): NodeProject | undefined {
  const lock = readProjectFile(dir, "pnpm-lock.yaml") ?? "";
  const folders = sectionOf(lock, "importers").flatMap((line) => {
    const [, quoted, plain] = /^ {2}(?:'([^']+)'|([^\s'":]+)):/.exec(line) ?? [];
    const folder = quoted ?? plain;
    return folder === undefined ? [] : [checkedFolder(dir, folder === "." ? "" : folder)];
  });
  if (sectionOf(lock, "packages").length === 0) return undefined;
  if (sectionOf(lock, "patchedDependencies").length > 0)
    refuse("pnpm-lock.yaml has patched dependencies", "Use a published fork of the package in their place.");
  const isFromRepository =
    /^ +resolution: .*(?:\bgitHosted: true|\btype: (?:git|directory)\b|\brepo: |\btarball: file:)/m.test(
      lock,
    );
  if (isFromRepository && !allowScripts)
    refuse(
      "a package in pnpm-lock.yaml is not from a registry",
      "Use a release from a registry, or allow scripts.",
    );
  const workspace = readProjectFile(dir, WORKSPACE);
  const kept =
    workspace === undefined ? undefined : MEMBERS.flatMap((name) => withHead(workspace, name)).join("\n");
  const installsSettings = "configDependencies" in objectOf(manifest["pnpm"]);
  if (installsSettings && !allowScripts)
    refuse(
      "package.json installs settings of pnpm, which are programs",
      "Remove configDependencies, or allow scripts.",
    );
  const scripts = allowScripts ? [] : ["--ignore-scripts", "--ignore-pnpmfile"];
  const layout = [
    "--config.node-linker=hoisted",
    "--config.package-import-method=copy",
    "--config.manage-package-manager-versions=false",
  ];
  return {
    kind: "pnpm",
    folders: [...new Set(["", ...folders])],
    files: ["pnpm-lock.yaml"],
    settings: kept === undefined || allowScripts ? {} : { [WORKSPACE]: `${kept}\n` },
    command: [
      "pnpm",
      "install",
      "--frozen-lockfile",
      ...scripts,
      ...layout,
      "--prod=false",
      "--reporter=append-only",
    ],
    install: `Run: npm install -g ${pnpmOf(manifest)}`,
  };
}

/** The version that the project names, as npm takes it. */
function pnpmOf(manifest: Readonly<Record<string, unknown>>): string {
  return /^pnpm@\d+\.\d+\.\d+/.exec(textOf(manifest["packageManager"]))?.[0] ?? "pnpm";
}

/** The lines below a top-level member, up to the next one. */
function sectionOf(yaml: string, name: string): string[] {
  return withHead(yaml, name)
    .slice(1)
    .filter((line) => line.trim() !== "");
}

function withHead(yaml: string, name: string): string[] {
  // YAML ends a line at a lone carriage return too.
  const lines = yaml.split(/\r\n|\r|\n/);
  const from = lines.findIndex((line) => line.startsWith(`${name}:`));
  if (from === -1) return [];
  const length = lines.slice(from + 1).findIndex((line) => /^[^\s#-]/.test(line));
  return lines.slice(from, length === -1 ? undefined : from + 1 + length);
}
