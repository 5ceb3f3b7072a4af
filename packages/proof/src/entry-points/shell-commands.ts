// The commands of a shell text, without running any of it.
//
// Not a shell: it does not know which branch is taken, so it answers the commands
// of all. What it cannot know, such as what a variable holds, it leaves open.

export type ShellCommand = {
  /** Where it runs, from where the text starts, as far as `cd` says: `""`, `ci`, `../x`. */
  readonly folder: string;
  /** Without quotes and redirections; `UNKNOWN` stands for what only a run would show. */
  readonly words: readonly string[];
};

/** In a word: text that only a run would show. */
export const UNKNOWN = "\0";

/** In a word, around what a loop's variable may hold: `\x01a\x02b\x01`. */
const LOOP = "\x01";
const OR = "\x02";
const LOOP_WORDS_MAX = 64;

/** Each word that a word with loop variables may be. */
export function alternativesOf(word: string): readonly string[] {
  const [before = "", values, ...after] = word.split(LOOP);
  if (values === undefined) return [word];
  // Of a second variable in the word only the first value is taken.
  const rest = after.map((piece, index) => (index % 2 === 0 ? piece : (piece.split(OR)[0] ?? ""))).join("");
  return values.split(OR).map((value) => before + value + rest);
}

/** How deep texts within texts are read: `sh -c`, substitutions, here-documents. */
const DEPTH_MAX = 5;
const FOLDERS_MAX = 64;

/** What a text leaves for the texts within it. */
export type ShellState = { folder: string; readonly variables: Map<string, string> };

/**
 * Every command of the text, in the order of its words, those of substitutions,
 * subshells and here-documents among them. Pure and total: a text with an open
 * quote is also read line by line.
 */
export function shellCommandsOf(text: string, state?: ShellState, depth = 0): readonly ShellCommand[] {
  if (depth > DEPTH_MAX) return [];
  const start = state ?? { folder: "", variables: new Map() };
  const reader = new ShellReader(text, start, depth);
  reader.read();
  if (!reader.leftOpen || depth > 0) return reader.commands;
  const lines = text.split("\n").flatMap((line) => shellCommandsOf(line, copyOf(start), 1));
  return [...reader.commands, ...lines];
}

export function copyOf({ folder, variables }: ShellState): ShellState {
  return { folder, variables: new Map(variables) };
}

class ShellReader {
  readonly commands: ShellCommand[] = [];
  /** A quote or a substitution has no end. */
  leftOpen = false;
  readonly #text: string;
  readonly #state: ShellState;
  readonly #depth: number;
  readonly #outer: string[] = [];
  #at = 0;
  #words: string[] = [];
  #word: string | undefined;
  #skipsNext = false;
  #heredocs: { readonly end: string; readonly tabs: boolean }[] = [];

  constructor(text: string, state: ShellState, depth: number) {
    this.#text = text.replaceAll("\r", "").replaceAll("\\\n", "");
    this.#state = state;
    this.#depth = depth;
  }

  read(): void {
    while (this.#at < this.#text.length) this.#step(this.#text[this.#at] ?? "");
    this.#endCommand();
  }

  #step(char: string): void {
    if (char === "#" && this.#word === undefined) this.#at = this.#lineEnd();
    else if (char === " " || char === "\t") this.#skip(() => this.#endWord());
    else if (char === "\n") this.#skip(() => this.#endLine());
    else if (char === ";" || char === "|" || char === "&") this.#skip(() => this.#endCommand());
    else if (char === "(") this.#skip(() => this.#enter());
    else if (char === ")") this.#skip(() => this.#leave());
    else if (char === "<" || char === ">") this.#redirect(char);
    else if (char === "'") this.#takeQuoted();
    else if (char === '"') this.#takeDoubleQuoted();
    else this.#takeChar(char);
  }

  #skip(then: () => void): void {
    this.#at += 1;
    then();
  }

  #takeChar(char: string): void {
    if (char === "$" || char === "`") return this.#expand();
    if (char === "\\") this.#at += 1;
    this.#append(this.#text[this.#at] ?? "");
    this.#at += 1;
  }

  #append(text: string): void {
    this.#word = (this.#word ?? "") + text;
  }

  #takeQuoted(): void {
    const end = this.#find("'", this.#at + 1);
    this.#append(this.#text.slice(this.#at + 1, end));
    this.#at = end + 1;
  }

  #takeDoubleQuoted(): void {
    this.#append("");
    this.#at += 1;
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
      this.#takeChar(this.#text[this.#at] ?? "");
    }
    if (this.#at >= this.#text.length) this.leftOpen = true;
    this.#at += 1;
  }

  /** `$NAME`, `${…}`, `$(…)`, or backticks. */
  #expand(): void {
    const rest = this.#text.slice(this.#at, this.#at + 256);
    const name = /^\$(?:([A-Za-z_]\w*)|[0-9@*#?$!-])/.exec(rest);
    if (name !== null) {
      this.#at += name[0].length;
      return this.#append(this.#state.variables.get(name[1] ?? "") ?? UNKNOWN);
    }
    if (rest.startsWith("$'")) return this.#skip(() => this.#takeQuoted());
    if (rest.startsWith("${")) return this.#expandBraces();
    if (rest.startsWith("$(") || rest.startsWith("`")) return this.#substitute(rest.startsWith("`"));
    this.#append("$");
    this.#at += 1;
  }

  /** `${NAME}` and `${NAME:-default}`; all else is unknown. */
  #expandBraces(): void {
    const end = this.#find("}", this.#at + 2);
    const inside = this.#text.slice(this.#at + 2, end);
    const known = /^([A-Za-z_]\w*)(?::?[-=](.*))?$/s.exec(inside);
    this.#at = end + 1;
    this.#append(this.#state.variables.get(known?.[1] ?? "") ?? (known?.[2] || UNKNOWN));
  }

  #substitute(isBacktick: boolean): void {
    const start = this.#at + (isBacktick ? 1 : 2);
    const end = isBacktick ? this.#find("`", start) : this.#closing(start);
    this.#nest(this.#text.slice(start, end));
    this.#at = end + 1;
    this.#append(UNKNOWN);
  }

  #nest(text: string): void {
    this.commands.push(...shellCommandsOf(text, copyOf(this.#state), this.#depth + 1));
  }

  /** Of a parenthesis; those within quotes count too, which names more and not less. */
  #closing(from: number): number {
    let open = 1;
    for (let at = from; at < this.#text.length; at += 1) {
      if (this.#text[at] === "(") open += 1;
      else if (this.#text[at] === ")") open -= 1;
      if (open === 0) return at;
    }
    this.leftOpen = true;
    return this.#text.length;
  }

  #find(mark: string, from: number): number {
    const found = this.#text.indexOf(mark, from);
    if (found === -1) this.leftOpen = true;
    return found === -1 ? this.#text.length : found;
  }

  #lineEnd(): number {
    const found = this.#text.indexOf("\n", this.#at);
    return found === -1 ? this.#text.length : found;
  }

  /** What is written to is no word of the command; what is read from is, since a shell may read its script so. */
  #redirect(char: string): void {
    if (/^\d*$/.test(this.#word ?? "x")) this.#word = undefined;
    this.#endWord();
    const heredoc = /^<<(-?)[ \t]*(?:'([^'\n]+)'|"([^"\n]+)"|\\?([^\s;&|<>()]+))/.exec(
      this.#text.slice(this.#at, this.#at + 256),
    );
    if (heredoc !== null && this.#text[this.#at + 2] !== "<") {
      this.#at += heredoc[0].length;
      const end = heredoc[2] ?? heredoc[3] ?? heredoc[4] ?? "";
      this.#heredocs.push({ end, tabs: heredoc[1] === "-" });
      return;
    }
    while (/[<>&|]/.test(this.#text[this.#at] ?? "")) this.#at += 1;
    this.#skipsNext = char === ">";
  }

  #endWord(): void {
    if (this.#word === undefined) return;
    if (!this.#skipsNext) this.#words.push(this.#word);
    this.#skipsNext = false;
    this.#word = undefined;
  }

  #endLine(): void {
    this.#endCommand();
    for (const { end, tabs } of this.#heredocs.splice(0)) {
      const body: string[] = [];
      while (this.#at < this.#text.length) {
        const line = this.#text.slice(this.#at, this.#lineEnd());
        this.#at = this.#lineEnd() + 1;
        if ((tabs ? line.replace(/^\t+/, "") : line) === end) break;
        body.push(line);
      }
      // It may be what another shell reads, or any other text.
      for (const line of body) this.#nest(line);
    }
  }

  #enter(): void {
    this.#endCommand();
    this.#outer.push(this.#state.folder);
  }

  #leave(): void {
    this.#endCommand();
    this.#state.folder = this.#outer.pop() ?? this.#state.folder;
  }

  #endCommand(): void {
    this.#endWord();
    this.#skipsNext = false;
    const words = this.#words;
    this.#words = [];
    if (words.length === 0) return;
    this.commands.push({ folder: this.#state.folder, words });
    this.#remember(words);
  }

  /** What the command changes for those after it. */
  #remember(words: readonly string[]): void {
    const rest = words.filter((word) => !RESERVED.has(word));
    if (rest[0] === "cd" || rest[0] === "pushd") {
      const to = rest.slice(1).find((word) => !word.startsWith("-"));
      // An absolute folder is the root as far as it is one of the tree.
      if (to !== undefined)
        this.#state.folder = to.startsWith("/")
          ? joinPath("", to.replace(/^\/work(?=\/|$)|^.*$/, ""))
          : joinPath(this.#state.folder, to);
      return;
    }
    if (rest[0] === "for" && rest.length > 2) {
      const values = rest.slice(rest[2] === "in" ? 3 : 2).flatMap((word) => alternativesOf(word));
      const known = values.filter((value) => !value.includes(UNKNOWN)).slice(0, LOOP_WORDS_MAX);
      if (known.length > 0) this.#state.variables.set(rest[1] ?? "", LOOP + known.join(OR) + LOOP);
      return;
    }
    for (const word of SETS.has(rest[0] ?? "") ? rest.slice(1) : rest) {
      const set = ASSIGNMENT.exec(word);
      if (set === null) return;
      const [, name = "", value = ""] = set;
      if (value.includes(UNKNOWN)) this.#state.variables.delete(name);
      else this.#state.variables.set(name, value);
    }
  }
}

const ASSIGNMENT = /^([A-Za-z_]\w*)=(.*)$/s;
const SETS = new Set(["export", "readonly", "local", "declare", "typeset", "set"]);
/** Words before a command that are none. */
export const RESERVED: ReadonlySet<string> = new Set(
  "if then elif else fi while until do done ! { } time case in esac".split(" "),
);

/**
 * A path from a folder, in its shortest form; it may lead out by `..`. What
 * comes after an unknown start counts from the folder too, since `"$(dirname
 * "$0")/lib.sh"` is how scripts name their neighbors.
 */
export function joinPath(folder: string, path: string): string {
  const parts = folder === "" ? [] : folder.split("/");
  const known = path.slice(path.lastIndexOf(UNKNOWN) + 1).replace(path.includes(UNKNOWN) ? /^\/+/ : "", "");
  for (const part of known.split("/").slice(0, FOLDERS_MAX)) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}
