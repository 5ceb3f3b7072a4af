// What `npm ci` is given, read from a package-lock.json (lockfileVersion 2 or 3).

import { checkedFolder, type NodeProject } from "./node-project.ts";
import { objectOf, parseProjectJson, readProjectFile, refuse, textOf } from "./project-files.ts";

/** The only settings of the repository that count: how the tree is laid out and where packages come from, nothing that names a program. */
const SETTINGS =
  /^(?:legacy-peer-deps|strict-peer-deps|install-strategy|install-links|(?:@[\w.-]+:)?registry)\s*=\s*[^\s${}]+$/;

/** Undefined when the lock file installs nothing. Throws `layer_unsupported`. */
export function npmProject(
  dir: string,
  names: ReadonlySet<string>,
  allowScripts: boolean,
): NodeProject | undefined {
  // npm itself prefers the shrinkwrap where both are.
  const lockName = names.has("npm-shrinkwrap.json") ? "npm-shrinkwrap.json" : "package-lock.json";
  const lock = parseProjectJson(readProjectFile(dir, lockName) ?? "", lockName);
  if (lock["packages"] === undefined) {
    const isOld = Object.keys(objectOf(lock["dependencies"])).length > 0;
    if (!isOld) return undefined;
    return refuse(`${lockName} is of an old version`, "Run npm install --package-lock-only and commit it.");
  }
  const folders: string[] = [];
  const files = [lockName];
  let installs = 0;
  for (const [key, value] of Object.entries(objectOf(lock["packages"]))) {
    if (!/(?:^|\/)node_modules\//.test(key)) {
      folders.push(checkedFolder(dir, key));
      continue;
    }
    installs += 1;
    const { link, resolved } = objectOf(value);
    if (!allowScripts) checkSources(objectOf(value), key);
    const source = textOf(resolved);
    if (link === true) checkedFolder(dir, source);
    else if (source.startsWith("file:")) files.push(source.slice("file:".length));
    // Packages from git are built on the machine that installs them.
    else if (!allowScripts && source !== "" && !/^https?:\/\//.test(source))
      refuse(
        `${key} is installed from ${source.split(":")[0]}`,
        "Use a release from a registry, or allow scripts.",
      );
  }
  if (installs === 0) return undefined;
  for (const folder of allowScripts ? [] : ["", ...folders]) {
    const path = folder === "" ? "package.json" : `${folder}/package.json`;
    checkSources(parseProjectJson(readProjectFile(dir, path) ?? "{}", path), path);
  }
  const settings = (readProjectFile(dir, ".npmrc") ?? "").split("\n").map((line) => line.trim());
  const scripts = allowScripts ? ["--ignore-scripts=false"] : ["--ignore-scripts"];
  return {
    kind: "npm",
    folders: [...new Set(["", ...folders])],
    files,
    settings: { ".npmrc": settings.filter((line) => SETTINGS.test(line)).join("\n") + "\n" },
    command: [
      "npm",
      "ci",
      ...scripts,
      "--no-audit",
      "--no-fund",
      "--no-update-notifier",
      "--include=dev",
      "--loglevel=error",
    ],
    install: "Install Node.js with npm.",
  };
}

/** Ranges, and sources whose packages are taken as they are. npm clones what it takes for a repository, and may build it. */
const PLAIN_SOURCE = /^(?:[^:/]*|(?:npm|file|link|workspace):.*|https?:\/\/\S+\.(?:tgz|tar\.gz))$/;
const SOURCE_LISTS = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
  "peerDependencies",
  "overrides",
];

/** Also for what the lock file leaves out: npm looks those up before it finds the lock file wanting. */
function checkSources(manifest: Readonly<Record<string, unknown>>, where: string): void {
  const check = (source: unknown, name: string): void => {
    if (typeof source !== "string")
      for (const [key, value] of Object.entries(objectOf(source))) check(value, key);
    else if (!PLAIN_SOURCE.test(source))
      refuse(
        `${where} takes ${name} from ${source.slice(0, 200)}`,
        "Use a release from a registry, or allow scripts.",
      );
  };
  for (const list of SOURCE_LISTS) check(manifest[list], list);
}
