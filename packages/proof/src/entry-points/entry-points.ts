// Which files of a repository a command text starts: the scripts behind a check.
//
// Whoever may rewrite such a file decides what the check says, whatever it is
// called. When it is not clear whether a word is one, it is named: that costs a
// person's look at most, and leaving it out costs the proof.

import {
  INTERPRETERS,
  PYTHON,
  QUIET,
  RUNNERS,
  RUNNER_FILES,
  SHELL,
  SOURCES,
  WRAPPERS,
} from "./interpreters.ts";
import type { Interpreter } from "./interpreters.ts";
import {
  RESERVED,
  UNKNOWN,
  alternativesOf,
  joinPath,
  shellCommandsOf,
  type ShellCommand,
} from "./shell-commands.ts";

const DEPTH_MAX = 4;
const WORDS_MAX = 2_000;
/** Where the sandbox has the tree. */
const WORK = "/work/";

/**
 * The relative paths that a shell text starts, each once, in the order in which
 * they are found, in shortest form; one that leads out of the folder keeps its
 * `..`. A name that an interpreter would complete, such as `run` for `run.js` or
 * a Python module, gives each file that it can mean, and a pattern stays one. Pure and total; the files
 * need not exist.
 */
export function entryPointsOf(shellText: string): readonly string[] {
  const found = new Set<string>();
  readText(shellText, "", found, 0);
  return [...found];
}

function readText(text: string, folder: string, found: Set<string>, depth: number): void {
  if (depth > DEPTH_MAX) return;
  for (const command of shellCommandsOf(text, { folder, variables: new Map() })) {
    new CommandReader(command, found, depth).read(command.words.slice(0, WORDS_MAX));
  }
}

class CommandReader {
  readonly #folder: string;
  readonly #found: Set<string>;
  readonly #depth: number;

  constructor({ folder }: ShellCommand, found: Set<string>, depth: number) {
    this.#folder = folder;
    this.#found = found;
    this.#depth = depth;
  }

  read(words: readonly string[]): void {
    let at = 0;
    for (; at < words.length; at += 1) {
      const word = words[at] ?? "";
      const value = /^[A-Za-z_]\w*[+]?=(.*)$/s.exec(word)?.[1];
      if (value !== undefined) this.#readOther(value);
      else if (!RESERVED.has(word)) break;
    }
    const rest = words.slice(at);
    if (rest.length > 0) this.#readCommand(rest);
  }

  #readCommand([command = "", ...rest]: readonly string[]): void {
    const name = nameOf(command);
    if (command.includes("/")) this.#add(command);
    if (SETTERS.has(name)) return this.read(rest.filter((word) => !word.startsWith("-")));
    const interpreter = INTERPRETERS.find((one) => one.name.test(name));
    if (interpreter !== undefined) return this.#readInterpreter(interpreter, name, rest);
    if (name === "go") return this.#readGo(rest);
    if (name === "cargo") return this.#readCargo(rest);
    if (name === "make" || name === "gmake") return this.#readMake(rest);
    if (WRAPPERS.has(name) || isPackageExec(name, rest)) this.#readWrapped(rest);
    if (RUNNERS.test(name)) return this.#readRunner(rest);
    if (QUIET.test(name) && !isPackageExec(name, rest)) return;
    this.#readUnknown(rest);
  }

  /** The first word that is no option, and what the options load. */
  #readInterpreter(interpreter: Interpreter, name: string, words: readonly string[]): void {
    const { values, files, code, endings } = interpreter;
    const isRunner =
      words.some((word) => word === "--test" || word.startsWith("--test=")) || startsRunner(name, words);
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? "";
      const next = words[at + 1] ?? "";
      const [option, inline] = splitOption(word);
      if (SHELL.test(name) && /^[-+][a-zA-Z]+$/.test(word) && !word.startsWith("--")) {
        if (word.includes("c")) return this.#readCode(name, next, words.slice(at + 2));
        if (/[oO]$/.test(word)) at += 1;
      } else if (PYTHON.test(name) && /^-[a-zA-Z]*m/.test(word)) {
        return this.#readModule(word.replace(/^-[a-zA-Z]*?m/, "") || next, words.slice(at + 2));
      } else if (code.has(option)) {
        return this.#readCode(name, inline ?? next, words.slice(at + 2));
      } else if (files.has(option)) {
        this.#addWith(inline ?? next, endings);
        if (inline === undefined) at += 1;
      } else if (values.has(option)) {
        if (inline === undefined) at += 1;
      } else if (/^-[rf]./.test(word) && files.has(word.slice(0, 2)) && !word.startsWith("--")) {
        this.#addWith(word.slice(2), endings);
      } else if (word.startsWith("-") && word !== "-") {
        // An option that is not known may take the next word, which then is not the file yet.
        if (word.startsWith("--") && inline === undefined && at + 2 < words.length && !isProgram(next)) {
          if (!next.startsWith("-") && !isRunner) {
            this.#addWith(next, endings);
            at += 1;
          }
        }
      } else if (isRunner) {
        continue;
      } else if (SUBCOMMAND.test(word) && /^(?:deno|bun|tsx)$/.test(name)) {
        continue;
      } else {
        this.#addWith(word, endings);
        // `bash run.sh other.sh`: a script may start what it is given.
        if (SHELL.test(name) || SOURCES.test(name)) this.#readUnknown(words.slice(at + 1));
        return;
      }
    }
  }

  #readCode(name: string, code: string, rest: readonly string[]): void {
    if (SHELL.test(name)) {
      readText(code, this.#folder, this.#found, this.#depth + 1);
      return this.#readUnknown(rest);
    }
    for (const [, path = ""] of code.matchAll(/['"`]([^'"`\s]{1,512})['"`]/g)) {
      this.#addWith(path, INTERPRETERS.find((one) => one.name.test(name))?.endings ?? []);
    }
    if (!PYTHON.test(name)) return;
    for (const [, module = ""] of code.matchAll(/\b(?:import|from)\s+([A-Za-z_][\w.]*)/g)) {
      this.#readModule(module, []);
    }
  }

  /** `pkg.mod` is `pkg/mod.py` or the package `pkg/mod`. */
  #readModule(module: string, rest: readonly string[]): void {
    const path = module.replaceAll(".", "/");
    for (const ending of [".py", "/__main__.py", "/__init__.py"]) this.#add(path + ending);
    const [first = ""] = module.split(".");
    if (!/^(?:coverage|trace|cProfile|profile|pdb|runpy|kernprof|debugpy)$/.test(first))
      return this.#readRunner(rest);
    const at = rest.indexOf("run");
    const python = INTERPRETERS.find((one) => one.name.test("python3"));
    if (python !== undefined) this.#readInterpreter(python, "python3", rest.slice(at + 1));
  }

  /** `go run` takes files, or the folder of a program. */
  #readGo([subcommand, ...rest]: readonly string[]): void {
    if (subcommand !== "run" && subcommand !== "generate") return;
    for (const word of rest.filter((one) => !one.startsWith("-"))) this.#addWith(word, ["/main.go"]);
  }

  #readCargo(words: readonly string[]): void {
    if (!words.some((word) => word === "run" || word === "r" || word === "xtask")) return;
    const valueOf = (...names: readonly string[]) =>
      words.flatMap((word, at) => (names.includes(word) ? [words[at + 1] ?? ""] : []));
    for (const bin of valueOf("--bin", "--example")) {
      const folder = words.includes("--example") ? "examples" : "src/bin";
      for (const ending of [".rs", "/main.rs"]) this.#add(`${folder}/${bin}${ending}`);
    }
    for (const own of [...valueOf("-p", "--package"), "xtask"]) this.#add(`${own}/src/main.rs`);
    this.#add("src/main.rs");
  }

  #readMake(words: readonly string[]): void {
    for (const [at, word] of words.entries()) {
      const [option, inline] = splitOption(word);
      if (/^(?:-f|--file|--makefile)$/.test(option)) this.#add(inline ?? words[at + 1] ?? "");
      else if (/^-f./.test(word)) this.#add(word.slice(2));
      const value = /^[A-Za-z_]\w*[:+?]?=(.*)$/s.exec(word)?.[1];
      if (value !== undefined) this.#readOther(value);
    }
  }

  /** The command after the wrapper's own words, and each that could be one. */
  #readWrapped(words: readonly string[]): void {
    const at = words.findIndex(
      (word) => !/^(?:-.*|[A-Za-z_]\w*=.*|[0-9.]+[smhd]?|run|exec|dlx|x|--)$/s.test(word),
    );
    if (at !== -1) this.#readCommand(words.slice(at));
  }

  /** A runner's own arguments are tests; its configuration, reporters and set-ups are not. */
  #readRunner(words: readonly string[]): void {
    for (const [at, word] of words.entries()) {
      const [option, inline] = splitOption(word);
      if (!RUNNER_FILES.has(option)) continue;
      const value = inline ?? words[at + 1] ?? "";
      if (option === "-p") this.#readModule(value, []);
      else this.#addWith(value, [".js", ".cjs", ".mjs", ".ts"]);
    }
  }

  /** A program that is not known may start any word that it is given. */
  #readUnknown(words: readonly string[]): void {
    for (const [at, word] of words.entries()) {
      this.#readOther(word);
      const name = nameOf(word);
      const interpreter = INTERPRETERS.find((one) => one.name.test(name));
      if (interpreter !== undefined && name !== ".") {
        this.#readInterpreter(interpreter, name, words.slice(at + 1));
        return;
      }
    }
  }

  /** A word that may be a script, or a text of commands. */
  #readOther(word: string): void {
    const [, value = word] = splitOption(word);
    if (/\s/.test(value)) readText(value, this.#folder, this.#found, this.#depth + 1);
    else if (isScript(value)) this.#add(value);
  }

  #addWith(path: string, endings: readonly string[]): void {
    this.#add(path);
    const plain = path.replace(/\/+$/, "");
    if (/[.][A-Za-z0-9]+$/.test(plain) && !plain.endsWith("..")) return;
    for (const ending of endings) this.#add((plain === "" ? "." : plain) + ending);
  }

  #add(word: string): void {
    for (const path of alternativesOf(word)) this.#addPath(path);
  }

  #addPath(path: string): void {
    if (path === "" || /^[/](?!work[/])/.test(path) || path.startsWith("~") || /^[a-z]+:/.test(path)) return;
    // What starts with something unknown may count from where the text starts, whatever `cd` said.
    const isFixed = path.startsWith(WORK);
    const folders = isFixed ? [""] : path.includes(UNKNOWN) ? ["", this.#folder] : [this.#folder];
    for (const folder of folders) {
      const joined = joinPath(folder, isFixed ? path.slice(WORK.length) : path);
      if (joined !== "" && !joined.endsWith("..")) this.#found.add(joined);
    }
  }
}

const SETTERS = new Set(["export", "readonly", "local", "declare", "typeset"]);

const SUBCOMMAND = /^(?:run|watch|x|exec)$/;

/** Of interpreters that are also runners: what comes after is a test, or the name of a task. */
function startsRunner(name: string, [first = ""]: readonly string[]): boolean {
  return (
    /^(?:deno|bun)$/.test(name) && /^(?:test|task|bench|lint|fmt|check|install|i|add|build)$/.test(first)
  );
}

function isPackageExec(name: string, [first = ""]: readonly string[]): boolean {
  return /^(?:npm|pnpm|yarn)$/.test(name) && /^(?:exec|x|dlx|node)$/.test(first);
}

/** A file that an interpreter would run, by its ending. */
function isProgram(word: string): boolean {
  return /[.](?:[cm]?[jt]sx?|py|rb|pl|php|sh|bash)$/.test(word);
}

/** Without an ending, or with a shell's. */
function isScript(word: string): boolean {
  if (word.startsWith("-")) return false;
  return /[.](?:sh|bash|zsh|ksh|ps1|bat|cmd)$/.test(word) || /^[^=:,*]*\/[^./=:,*]+$/.test(word);
}

function nameOf(command: string): string {
  return command.slice(command.lastIndexOf("/") + 1);
}

function splitOption(word: string): readonly [option: string, inline?: string] {
  const at = word.startsWith("-") ? word.indexOf("=") : -1;
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}
