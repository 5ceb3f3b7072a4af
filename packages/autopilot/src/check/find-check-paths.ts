// Which files of the base a check starts, directly or through its scripts: who
// may rewrite one of them decides what the check says.
//
// Read from the base's tree alone, never from a folder that an agent worked in,
// and nothing is run. A function of the base and the commands, so that whoever
// computes it again finds the same.

import { entryPointsOf, globMatches, joinPath, shellCommandsOf } from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import { listBaseFiles, readBaseFile, type Base } from "../git/index.ts";
import { readMakefile } from "./read-makefile.ts";
import { scriptsOf } from "./package-json.ts";
import { taskCallsOf, type TaskCall } from "./task-calls.ts";

const FILES_MAX = 200;
const FILE_BYTES_MAX = 256 * 1024;
const PATH_CHARS_MAX = 512;
const DEPTH_MAX = 5;
const TEXTS_MAX = 20_000;
const FOLDERS_MAX = 16;
const LINKS_MAX = 8;

/** A text of commands, and the folders that its paths may count from. */
type Text = { readonly text: string; readonly folders: readonly string[]; readonly depth: number };

/**
 * The paths, sorted. Throws `check_too_wide` when there are more than a job may
 * name, since leaving one out would leave it to the patch.
 */
export async function findCheckPaths(
  base: Base,
  commands: readonly string[],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const search = new Search(base, signal);
  for (const text of commands) search.enqueue({ text, folders: [""], depth: 0 });
  return search.run();
}

class Search {
  readonly #base: Base;
  #listed: Promise<ReadonlyMap<string, string>> | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #found = new Set<string>();
  readonly #read = new Map<string, string | undefined>();
  readonly #seen = new Set<string>();
  readonly #queue: Text[] = [];

  constructor(base: Base, signal: AbortSignal | undefined) {
    this.#base = base;
    this.#signal = signal;
  }

  /** Most checks start a runner and no file, and need no list. */
  #files(): Promise<ReadonlyMap<string, string>> {
    return (this.#listed ??= listBaseFiles(this.#base, this.#signal));
  }

  enqueue(text: Text): void {
    const key = `${text.folders.join("\n")}\0${text.text}`;
    if (text.depth > DEPTH_MAX || this.#seen.has(key)) return;
    this.#seen.add(key);
    if (this.#seen.size > TEXTS_MAX) throw tooWide(`more than ${TEXTS_MAX} commands`);
    this.#queue.push(text);
  }

  async run(): Promise<readonly string[]> {
    for (let text = this.#queue.shift(); text !== undefined; text = this.#queue.shift()) {
      await this.#readText(text);
    }
    return [...this.#found].sort();
  }

  async #readText({ text, folders, depth }: Text): Promise<void> {
    const moved = new Set(shellCommandsOf(text).map(({ folder }) => folder));
    const around = [...new Set(folders.flatMap((folder) => [...moved].map((to) => joinPath(folder, to))))];
    for (const path of entryPointsOf(text)) {
      for (const folder of folders) {
        for (const one of await this.#expand(joinPath(folder, path))) await this.#add(one, around, depth);
      }
    }
    for (const call of taskCallsOf(text)) {
      for (const folder of folders) await this.#follow(call, joinPath(folder, call.folder), depth + 1);
    }
  }

  /** The paths that a shell's pattern may match. */
  async #expand(path: string): Promise<readonly string[]> {
    if (!/[*?[{]/.test(path)) return [path];
    const glob = path
      .replace(/\[[^\]/]*\]/g, "?")
      .replace(/\{[^}/]*\}/g, "*")
      .replace(/[*]+/g, "*");
    return [...(await this.#files()).keys()].filter((file) => globMatches(glob, file));
  }

  /** Take a path for one of the check's files, if the base has it, and read on in it. */
  async #add(path: string, around: readonly string[], depth: number): Promise<void> {
    const file = await this.#resolve(path);
    if (file === undefined || this.#found.has(file)) return;
    this.#name(file);
    const text = await this.#textOf(file);
    if (text === undefined || depth >= DEPTH_MAX) return;
    const folders = [...new Set([...ancestorsOf(file), ...around])].slice(0, FOLDERS_MAX);
    if (isShell(file, text)) return this.enqueue({ text, folders, depth: depth + 1 });
    // What another language starts it names in a literal, as a command or a script.
    this.enqueue({ text: wordsOnly(literalsOf(text)), folders, depth: depth + 1 });
  }

  #name(file: string): void {
    this.#found.add(file);
    if (this.#found.size > FILES_MAX) throw tooWide(`more than ${FILES_MAX} files`);
    if (file.length > PATH_CHARS_MAX) throw tooWide(`a file whose path is longer than ${PATH_CHARS_MAX}`);
  }

  /** Where a path leads through the base's links, each of which is one of the check's files too. */
  async #resolve(path: string): Promise<string | undefined> {
    let current = path;
    const files = await this.#files();
    for (let count = 0; count < LINKS_MAX; count += 1) {
      const parts = current.split("/");
      const prefixes = parts.map((_, at) => parts.slice(0, at + 1).join("/"));
      const link = prefixes.find((prefix) => files.get(prefix) === "120000");
      if (link === undefined) return files.has(current) ? current : undefined;
      this.#name(link);
      const target = (await this.#textOf(link)) ?? "";
      if (target.startsWith("/")) return undefined;
      current = joinPath(joinPath(folderOf(link), target), current.slice(link.length + 1));
    }
    return undefined;
  }

  async #follow(call: TaskCall, folder: string, depth: number): Promise<void> {
    if (depth > DEPTH_MAX) return;
    if (call.kind === "make") return this.#followMake(call, folder, depth);
    if (call.kind === "scripts") return this.#followScripts(call, folder, depth);
    for (const name of call.names) {
      const path = joinPath(folder, name);
      const text = (await this.#files()).has(path) ? await this.#textOf(path) : undefined;
      if (text === undefined) continue;
      const lines = text.split("\n").map((line) => line.trim().replace(/^[@-]+\s*/, ""));
      this.enqueue({ text: wordsOnly([...lines, ...literalsOf(text)]), folders: [folder], depth });
    }
  }

  async #followScripts(
    { words, everywhere }: Extract<TaskCall, { kind: "scripts" }>,
    folder: string,
    depth: number,
  ): Promise<void> {
    for (const path of await this.#manifests(folder, everywhere)) {
      const scripts = scriptsOf((await this.#textOf(path)) ?? "");
      for (const text of scripts.flatMap(([name, one]) => (isCalled(name, words) ? [one] : []))) {
        this.enqueue({ text, folders: [folderOf(path)], depth });
      }
    }
  }

  /** The nearest above the folder, or every one. */
  async #manifests(folder: string, everywhere: boolean): Promise<readonly string[]> {
    const isManifest = (path: string) => /(?:^|\/)(?:package|composer|deno)[.]jsonc?$/.test(path);
    const all = [...(await this.#files()).keys()].filter(isManifest);
    if (everywhere) return all.slice(0, FILES_MAX);
    for (const above of ancestorsOf(joinPath(folder, "x"))) {
      const here = all.filter((path) => folderOf(path) === above);
      if (here.length > 0) return here;
    }
    return [];
  }

  async #followMake(
    { file, goals }: Extract<TaskCall, { kind: "make" }>,
    folder: string,
    depth: number,
  ): Promise<void> {
    const names = file === undefined ? ["GNUmakefile", "makefile", "Makefile"] : [file];
    const files = await this.#files();
    const path = names.map((name) => joinPath(folder, name)).find((one) => files.has(one));
    if (path === undefined) return;
    const text = await this.#withIncludes(path, folder);
    for (const line of readMakefile(text).recipes(goals)) {
      this.enqueue({ text: line, folders: [folder], depth });
    }
  }

  async #withIncludes(path: string, folder: string): Promise<string> {
    const texts = new Map<string, string>();
    const queue = [path];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const file = await this.#resolve(next);
      if (file === undefined || texts.has(file)) continue;
      this.#name(file);
      const text = (await this.#textOf(file)) ?? "";
      texts.set(file, text);
      queue.push(...readMakefile(text).includes.map((name) => joinPath(folder, name)));
    }
    return [...texts.values()].join("\n");
  }

  /** Undefined when it is too large to be read through, or no text. */
  async #textOf(path: string): Promise<string | undefined> {
    if (this.#read.has(path)) return this.#read.get(path);
    const bytes = await readBaseFile(this.#base, path, FILE_BYTES_MAX, this.#signal).catch(
      (cause: unknown) => {
        if (cause instanceof AutopilotError && cause.code === "git_output_too_large") return undefined;
        throw cause;
      },
    );
    const text = bytes === undefined || bytes.includes(0) ? undefined : bytes.toString("utf8");
    this.#read.set(path, text);
    return text;
  }
}

function tooWide(what: string): AutopilotError {
  return new AutopilotError(
    "check_too_wide",
    `The check starts ${what}, and a job can name at most ${FILES_MAX} files. Name a narrower check: --check "…"`,
  );
}

/** Also what runs before and after it; a pattern such as `test:*` may call it. */
function isCalled(name: string, words: readonly string[]): boolean {
  return words.some((word) => {
    const called = /^(?:t|tst|it|cit|install-test|install-ci-test)$/.test(word) ? "test" : word;
    if (called.includes("*")) return name.startsWith(called.slice(0, called.indexOf("*")));
    return [called, `pre${called}`, `post${called}`].includes(name);
  });
}

/** Unless it says that it is something else. */
function isShell(path: string, text: string): boolean {
  const [, shebang] = /^#!\s*(.*)/.exec(text) ?? [];
  if (shebang !== undefined) return /\b(?:ba|da|z|k|a)?sh\b/.test(shebang);
  return !/[.](?:[cm]?[jt]sx?|json[c5]?|py|rb|pl|pm|php|go|rs|lua|jl|r|java|kt|scala|exs?|awk|sed|mk|c|h|ya?ml|toml)$/i.test(
    path,
  );
}

/** Each text as what some program is given, of which a script or an interpreter's file is named, and no other path. */
function wordsOnly(texts: readonly string[]): string {
  return texts.map((text) => `: ${text}`).join("\n");
}

function literalsOf(text: string): readonly string[] {
  const found = text.matchAll(/"([^"\n]{2,1024})"|'([^'\n]{2,1024})'|`([^`\n]{2,1024})`/g);
  return [...new Set([...found].map(([, one, two, three]) => one ?? two ?? three ?? ""))].slice(0, 1_000);
}

/** The folder of a file and all above it. */
function ancestorsOf(path: string): readonly string[] {
  const folder = folderOf(path);
  return folder === "" ? [""] : [folder, ...ancestorsOf(folder)];
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
