// Which tasks of a project's own manifests a command text calls: scripts of a
// package.json, goals of a Makefile, and what other task runners read.

import { joinPath, shellCommandsOf } from "@openagents/proof";

export type TaskCall =
  | {
      readonly kind: "scripts";
      readonly folder: string;
      readonly words: readonly string[];
      readonly everywhere: boolean;
    }
  | {
      readonly kind: "make";
      readonly folder: string;
      readonly file: string | undefined;
      readonly goals: readonly string[];
    }
  /** The whole file counts. */
  | { readonly kind: "file"; readonly folder: string; readonly names: readonly string[] };

const SCRIPT_RUNNERS =
  /^(?:npm|pnpm|yarn|bun|deno|composer|npm-run-all|run-s|run-p|concurrently|turbo|nx|lerna|wsrun|wireit)$/;
/** They, or their options, call the scripts of every package in the tree. */
const EVERYWHERE =
  /^(?:turbo|nx|lerna|wsrun|-w|-ws|-r|-F|--workspaces?|--workspace=.*|--recursive|--filter|--filter=.*|workspaces?|foreach)$/;

const TASK_FILES: Readonly<Record<string, readonly string[]>> = {
  just: ["justfile", "Justfile", ".justfile"],
  task: ["Taskfile.yml", "Taskfile.yaml", "taskfile.yml"],
  rake: ["Rakefile", "rakefile", "Rakefile.rb"],
  tox: ["tox.ini", "pyproject.toml", "setup.cfg"],
  nox: ["noxfile.py"],
  invoke: ["tasks.py"],
  inv: ["tasks.py"],
  hatch: ["pyproject.toml", "hatch.toml"],
  poe: ["pyproject.toml"],
  pdm: ["pyproject.toml"],
  mage: ["magefile.go"],
  mix: ["mix.exs"],
  ant: ["build.xml"],
  gulp: ["gulpfile.js"],
  grunt: ["Gruntfile.js"],
};

const DEPTH_MAX = 3;

/** In the order of the text; folders are relative to where it starts. */
export function taskCallsOf(text: string, folder = "", depth = 0): readonly TaskCall[] {
  if (depth > DEPTH_MAX) return [];
  return shellCommandsOf(text, { folder, variables: new Map() }).flatMap((command) => [
    ...callsIn(command.words, command.folder),
    ...command.words
      .filter((word) => /\s/.test(word))
      .flatMap((word) => taskCallsOf(word.replace(/^[\w-]+=/, ""), command.folder, depth + 1)),
  ]);
}

/** Wrappers come before the runner, so it may stand anywhere. */
function callsIn(words: readonly string[], folder: string): readonly TaskCall[] {
  for (const [at, word] of words.entries()) {
    const name = word.slice(word.lastIndexOf("/") + 1);
    const rest = words.slice(at + 1);
    if (name === "make" || name === "gmake") return [makeCall(rest, folder)];
    const isNodeRun = name === "node" && rest.some((one) => one.startsWith("--run"));
    if (isNodeRun || SCRIPT_RUNNERS.test(name)) {
      const to = optionOf(rest, /^(?:--prefix|-C|--dir|--cwd|--working-dir|-d)$/);
      const everywhere = words.slice(at).some((one) => EVERYWHERE.test(one));
      const called = rest.map((one) => one.replace(/^(?:--run=|npm:|pnpm:|yarn:)/, ""));
      return [{ kind: "scripts", folder: joinPath(folder, to ?? ""), words: called, everywhere }];
    }
    const names = Object.hasOwn(TASK_FILES, name) ? TASK_FILES[name] : undefined;
    if (names !== undefined) return [{ kind: "file", folder, names }];
  }
  return [];
}

function makeCall(words: readonly string[], folder: string): TaskCall {
  const to = optionOf(words, /^(?:-C|--directory)$/);
  const file = optionOf(words, /^(?:-f|--file|--makefile)$/);
  const takesNext = /^(?:-[CfIoW]|--directory|--file|--makefile|--include-dir|--old-file|--what-if)$/;
  const goals = words.filter(
    (word, at) => !/^-|=/.test(word) && !takesNext.test(words[at - 1] ?? "") && !/^\d+$/.test(word),
  );
  return { kind: "make", folder: joinPath(folder, to ?? ""), file, goals };
}

/** What follows the option, after a space, `=`, or at once for a short one. */
function optionOf(words: readonly string[], option: RegExp): string | undefined {
  for (const [at, word] of words.entries()) {
    if (option.test(word)) return words[at + 1];
    const [name = "", value] = word.split("=", 2);
    if (value !== undefined && option.test(name)) return value;
    if (/^-[A-Za-z]./.test(word) && option.test(word.slice(0, 2))) return word.slice(2);
  }
  return undefined;
}
