// The layer of a Python project: what its requirements or its pyproject.toml ask
// for, tests' tools with it, as wheels in one folder.

import { lstatSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ToolchainRequirement } from "@openagents/contracts";
import { findLinkGoal, type BuiltLayer, type LayerRequest } from "./layer.ts";
import { packFolder } from "./pack-folder.ts";
import { readProjectFile, refuse } from "./project-files.ts";
import { dependenciesOf, isProjectTable, PROJECT_READER } from "./pyproject.ts";
import { parseRequirements } from "./requirements.ts";
import { runTool, type ToolCall } from "./run-tool.ts";

const PATH = "site-packages";
const REQUIREMENTS =
  /^(?:(?:dev|tests?)[-_])?requirements(?:[-_.](?:dev|develop|development|tests?|testing|ci))?\.txt$/;
const INSTALL = "Install Python 3 with pip.";
const SHEBANG_BYTES_MAX = 4_096;

type Wanted = { readonly lines: readonly string[]; readonly constraints: readonly string[] };

/** None when the project asks for nothing. Throws `layer_unsupported` and what an installer's start throws. */
export async function buildPipLayers(
  dir: string,
  names: ReadonlySet<string>,
  request: LayerRequest,
): Promise<BuiltLayer[]> {
  const call: ToolCall = {
    cwd: join(request.scratch, "pip"),
    scratch: request.scratch,
    install: INSTALL,
    next: request.allowScripts
      ? "See that the requirements can be installed in a new environment."
      : "See that the requirements can be installed in a new environment with --only-binary=:all:, or allow scripts.",
    signal: request.signal,
  };
  await mkdir(call.cwd, { recursive: true });
  const wanted = await findWanted(dir, names, call, request.allowScripts);
  if (wanted === undefined) return [];
  request.say("installing the Python dependencies with pip");
  const version = (await python(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"], call)).trim();
  const target = join(call.cwd, PATH);
  await mkdir(target);
  await writeFile(join(call.cwd, "wanted.txt"), `${wanted.lines.join("\n")}\n`);
  await writeFile(join(call.cwd, "constraints.txt"), `${wanted.constraints.join("\n")}\n`);
  const files = ["--requirement", "wanted.txt", "--constraint", "constraints.txt"];
  const quiet = [
    "--no-compile",
    "--no-input",
    "--disable-pip-version-check",
    "--no-warn-script-location",
    "--quiet",
  ];
  // The last word on the command line holds over what the settings of the machine say.
  const builds = request.allowScripts ? [] : ["--only-binary=:all:"];
  // Itself and not what stands for it on the path: pyenv's has a hook after each
  // install that writes into the user's own folder, and blocks for ever once it is cut short.
  const program = (await python(["-c", "import sys; print(sys.executable)"], call)).trim();
  const install = ["-I", "-m", "pip", "install", "--target", target, ...quiet, ...files, ...builds];
  await runTool([program, ...install], call);
  await freeScripts(join(target, "bin"));
  const place = { kind: "pip", path: PATH } as const;
  const tar = await packFolder(target, {
    without: [],
    keepsLink: (link, goal) => findLinkGoal(place, link, goal) !== undefined,
    signal: request.signal,
  });
  request.say(`packed ${PATH} (${tar.length} bytes)`);
  return [{ ...place, tar, toolchains: [sameMinor(version)] }];
}

/** Compiled distributions serve the minor version that they were chosen for, and no other. */
function sameMinor(version: string): ToolchainRequirement {
  const [major = "3", minor = "0"] = version.split(".");
  return { name: "python3", versionMin: version, versionBelow: `${major}.${Number(minor) + 1}` };
}

async function findWanted(
  dir: string,
  names: ReadonlySet<string>,
  call: ToolCall,
  allowScripts: boolean,
): Promise<Wanted | undefined> {
  const lines: string[] = [];
  const constraints: string[] = [];
  const extras: string[] = [];
  const files = [...names].filter((name) => REQUIREMENTS.test(name)).sort();
  for (const file of files) {
    const found = parseRequirements(file, (path) => readProjectFile(dir, path));
    const [unknown] = [...found.unknown, ...(allowScripts ? [] : found.building)];
    if (unknown !== undefined)
      refuse(
        `${file} asks for ${JSON.stringify(unknown)}, which is not a name with versions`,
        "Use a release from an index, or allow scripts for an address.",
      );
    lines.push(...found.lines, ...found.building);
    constraints.push(...found.constraints);
    extras.push(...(found.ownExtras ?? []));
  }
  const project = readProjectFile(dir, "pyproject.toml");
  if (project !== undefined) {
    // Not as a pyproject.toml, which would make the folder a project that pip can build.
    await writeFile(join(call.cwd, "project.toml"), project);
    const table: unknown = JSON.parse(await python(["-c", PROJECT_READER, "project.toml"], call));
    if (!isProjectTable(table)) refuse("pyproject.toml cannot be read");
    else if (table.poetry && table.dependencies.length === 0 && files.length === 0)
      refuse(
        "pyproject.toml has dependencies of poetry",
        "Run poetry export --with dev -o requirements.txt and commit it.",
      );
    // Where hashes are given pip wants one for each, which a pyproject.toml never has.
    else if (!lines.some((line) => line.includes("--hash"))) lines.push(...dependenciesOf(table, extras));
  }
  if (lines.length > 0) return { lines: [...new Set(lines)], constraints };
  if (names.has("Pipfile"))
    refuse("Pipfile is not supported yet", "Run pipenv requirements --dev > requirements.txt and commit it.");
  const setup = `${readProjectFile(dir, "setup.py") ?? ""}\n${readProjectFile(dir, "setup.cfg") ?? ""}`;
  if (/\b(?:install_requires|tests_require|extras_require)\b/.test(setup))
    refuse(
      "setup.py names dependencies and would have to be run to read them",
      "List them in requirements.txt and commit it.",
    );
  return undefined;
}

/** Isolated: neither the folder that it runs in nor the environment adds a module. */
function python(args: readonly string[], call: ToolCall): Promise<string> {
  return runTool(["python3", "-I", ...args], call);
}

/** Scripts start with the path of this machine's Python; the one that they meet is found by name. */
async function freeScripts(bin: string): Promise<void> {
  if (lstatSync(bin, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  for (const entry of await readdir(bin, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(bin, entry.name);
    const text = await readFile(path);
    const head = text.subarray(0, SHEBANG_BYTES_MAX).toString("latin1");
    const old = /^#![^\n]*python[^\n]*\n|^#!\/bin\/sh\n'''exec' [^\n]*python[^\n]*\n' '''\n/.exec(head)?.[0];
    if (old === undefined) continue;
    await writeFile(
      path,
      Buffer.concat([Buffer.from("#!/usr/bin/env python3\n"), text.subarray(old.length)]),
    );
  }
}
