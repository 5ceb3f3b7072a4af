// Which tools this machine can lend to jobs. A tool of the system is in every
// sandbox as it is. Any other is a folder of its own that gets mounted, and only
// one that looks like that tool's installation: the folder around a program on
// somebody's path may as well hold their keys.

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readFile, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";
import type { InstalledToolchain } from "./toolchains.ts";

type Tool = {
  /** The program, and the name under which jobs ask for it. */
  readonly name: string;
  readonly versionArgs: readonly string[];
  /** What an installation has beside `bin`; absent: only the system's is found, others are declared. */
  readonly landmark?: string;
  /** Folders where it may be though the path does not lead there. */
  readonly folders?: (home: string) => Promise<readonly string[]>;
};

const PYTHON = { versionArgs: ["--version"], landmark: "bin/python3-config", folders: pyenvFolders };
const RUST = { versionArgs: ["--version"], landmark: "lib/rustlib", folders: rustupFolders };
const C_COMPILER = { versionArgs: ["-dumpfullversion", "-dumpversion"] };

const TOOLS: readonly Tool[] = [
  { name: "node", versionArgs: ["--version"], landmark: "include/node/node.h" },
  { name: "npm", versionArgs: ["--version"] },
  { name: "python3", ...PYTHON },
  { name: "python", ...PYTHON },
  { name: "make", versionArgs: ["--version"] },
  { name: "cc", ...C_COMPILER },
  { name: "gcc", ...C_COMPILER },
  { name: "go", versionArgs: ["version"], landmark: "pkg/tool", folders: async () => ["/usr/local/go"] },
  { name: "cargo", ...RUST },
  { name: "rustc", ...RUST },
];

/** The path inside a sandbox, beside the mounted tools. */
const SYSTEM_PATH = ["/usr/local/bin", "/usr/bin", "/bin"];
/** What of the host is there inside, once links are followed. */
const SYSTEM_FOLDERS = ["/usr/", "/bin/"];
/** A tool that takes longer to say its version is not lent. */
const VERSION_MS_MAX = 5_000;
const OUTPUT_BYTES_MAX = 64 * 1024;

export type FindOptions = {
  /** Where programs are looked for; the process's own when absent. */
  readonly path?: string | undefined;
  /** Where installers keep tools; this user's when absent. */
  readonly home?: string;
};

/**
 * The Node that runs us, and tools of the system, on the path, or where their
 * usual installers keep them; each name and version once. What cannot be lent is
 * left out silently, since nobody asked for it.
 */
export async function findToolchains(options: FindOptions = {}): Promise<readonly InstalledToolchain[]> {
  const home = options.home ?? homedir();
  const path = (options.path ?? process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  const running = dirname(dirname(process.execPath));
  // One below a home folder would show all of it to jobs.
  const ours = isPersonal(running, home) ? undefined : probe("node", ["--version"], running);
  const others = TOOLS.map(async (tool) => {
    const prefixes = await prefixesOf(tool, path, home);
    return Promise.all([
      probeSystem(tool),
      ...prefixes.map((prefix) => probe(tool.name, tool.versionArgs, prefix)),
    ]);
  });
  const found = [await ours, ...(await Promise.all(others)).flat()];
  const distinct = new Map<string, InstalledToolchain>();
  for (const tool of found) {
    const key = `${tool?.name} ${tool?.version}`;
    if (tool !== undefined && !distinct.has(key)) distinct.set(key, tool);
  }
  return [...distinct.values()];
}

/**
 * A tool that its owner names, in a folder of its own. Throws
 * `toolchain_invalid` when there is no such program in the folder's `bin`, or it
 * does not say its version.
 */
export async function declareToolchain(name: string, prefix: string): Promise<InstalledToolchain> {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new AutopilotError("toolchain_invalid", `The toolchain ${name}=${prefix} ${problem}.`, { cause });
  };
  if (!/^[a-z][a-z0-9+_.-]{0,31}$/.test(name)) refuse("needs a name of lower-case letters, digits and +_.-");
  const folder = await realpath(prefix).catch((cause: unknown) => refuse("is not a folder", cause));
  if (!(await isRunnable(join(folder, "bin", name)))) refuse(`has no program bin/${name}`);
  if (isPersonal(folder, homedir()))
    refuse("would show a whole home folder to jobs; give a folder of its own");
  if (!(await isOpenToOthers(folder)))
    refuse(`is closed to the user that jobs run as; run: chmod -R o+rX '${folder}'`);
  const args = TOOLS.find((tool) => tool.name === name)?.versionArgs ?? ["--version"];
  const found = await probe(name, args, folder);
  return found ?? refuse(`does not tell its version: bin/${name} ${args.join(" ")}`);
}

async function prefixesOf(tool: Tool, path: readonly string[], home: string): Promise<readonly string[]> {
  const { landmark } = tool;
  if (landmark === undefined) return [];
  const onPath = path
    .filter((folder) => !SYSTEM_PATH.includes(folder))
    .map((folder) => join(folder, tool.name));
  const programs = await Promise.all(onPath.map((program) => realpath(program).catch(() => "")));
  const inFolders = programs
    .filter((program) => basename(dirname(program)) === "bin")
    .map((program) => dirname(dirname(program)));
  const prefixes = [...new Set([...inFolders, ...((await tool.folders?.(home)) ?? [])])];
  const usable = await Promise.all(
    prefixes.map(
      async (prefix) =>
        !isPersonal(prefix, home) && (await exists(join(prefix, landmark))) && (await isOpenToOthers(prefix)),
    ),
  );
  return prefixes.filter((_, index) => usable[index]);
}

/** The program that a sandbox finds by its own path, if it is one that the sandbox has. */
async function probeSystem({ name, versionArgs }: Tool): Promise<InstalledToolchain | undefined> {
  for (const folder of SYSTEM_PATH) {
    const program = await realpath(join(folder, name)).catch(() => undefined);
    if (program === undefined) continue;
    if (!SYSTEM_FOLDERS.some((start) => program.startsWith(start))) return undefined;
    const version = await versionOf(join(folder, name), versionArgs);
    return version === undefined ? undefined : { name, version };
  }
  return undefined;
}

async function probe(
  name: string,
  versionArgs: readonly string[],
  prefix: string,
): Promise<InstalledToolchain | undefined> {
  const version = await versionOf(join(prefix, "bin", name), versionArgs);
  return version === undefined ? undefined : { name, version, prefix };
}

/** The first dotted number that the program says; undefined when it says none in time. */
async function versionOf(program: string, args: readonly string[]): Promise<string | undefined> {
  const said = await new Promise<string>((resolveSaid) => {
    const options = {
      // Nothing of ours: a tool must not choose its version by the environment.
      env: {
        PATH: [dirname(program), ...SYSTEM_PATH].join(delimiter),
        LC_ALL: "C",
        HOME: "/nonexistent",
        GOTOOLCHAIN: "local",
      },
      cwd: "/",
      timeout: VERSION_MS_MAX,
      killSignal: "SIGKILL",
      maxBuffer: OUTPUT_BYTES_MAX,
    } as const;
    execFile(program, args, options, (error, stdout) => resolveSaid(error === null ? stdout : ""));
  });
  return parseVersion(said);
}

/** `go version go1.26.8 linux/amd64` → `1.26.8`. At most four numbers of six digits. */
export function parseVersion(said: string): string | undefined {
  return /(?<![0-9.])[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}(?![0-9])/.exec(said)?.[0];
}

function isPersonal(prefix: string, home: string): boolean {
  return [home, join(home, ".local")].some((folder) =>
    `${folder}/`.startsWith(`${resolve(prefix)}/`.replace("//", "/")),
  );
}

/** As root the sandbox's commands run as another user, which has only the rights of others. */
async function isOpenToOthers(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined || !found.isDirectory()) return false;
  return process.getuid?.() !== 0 || (found.mode & 0o005) === 0o005;
}

/** The version that `pyenv global` chose. */
async function pyenvFolders(home: string): Promise<readonly string[]> {
  const chosen = await firstLine(join(home, ".pyenv/version"));
  return /^[\w.-]+$/.test(chosen) ? [join(home, ".pyenv/versions", chosen)] : [];
}

/** The toolchain that `rustup default` chose. */
async function rustupFolders(home: string): Promise<readonly string[]> {
  const settings = await readFile(join(home, ".rustup/settings.toml"), "utf8").catch(() => "");
  const chosen = /^default_toolchain *= *"([\w.-]+)"/m.exec(settings)?.[1];
  return chosen === undefined ? [] : [join(home, ".rustup/toolchains", chosen)];
}

async function firstLine(file: string): Promise<string> {
  return (await readFile(file, "utf8").catch(() => "")).split("\n", 1).join("").trim();
}

async function isRunnable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
